// Runs cases of the conformance suite and sends the result of each, so that the parent knows at which one native code ended
// the process.
import { parseArgs } from 'node:util';
import { createOrtEngine, type Device } from '@dpar/engine-ort';
import { checkCase, conformanceCases, shaderCases } from '@dpar/tensor/conformance';
import type { CaseResult, ConformanceMessage } from './gpu-check/conformance.js';

const {
  device = 'cpu',
  threads,
  every,
  from,
} = parseArgs({
  options: {
    device: { type: 'string' },
    threads: { type: 'string', default: '1' },
    every: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
  },
}).values;

const send = (message: ConformanceMessage): void => void process.send?.(message);

const engine = await createOrtEngine({ device: device as Device, threads: Number(threads) });
const required = new Set((await shaderCases(engine)).map(({ name }) => name));
const cases = conformanceCases().filter((_, i) => i % Number(every) === 0);
send({ cases: cases.map(({ name }) => name) });
for (const conformanceCase of cases.slice(Number(from))) {
  const mismatch = await checkCase(engine, conformanceCase).catch((error: Error) => error.message);
  const result: CaseResult = {
    name: conformanceCase.name,
    required: required.has(conformanceCase.name),
    ...(mismatch !== undefined && { mismatch }),
  };
  send({ result });
}
process.disconnect();
