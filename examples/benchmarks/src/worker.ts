// The process of one benchmark: sets it up, then measures each time it is asked to.
import { parseArgs } from 'node:util';
import { benchmarks } from './benchmarks/index.js';
import type { Reply } from './process.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: 'string' }, pytorch: { type: 'boolean', default: false } },
});
const benchmark = benchmarks.find(({ name }) => name === positionals[0]);
if (benchmark === undefined) throw new Error(`worker: expected the name of a benchmark, got '${positionals[0]}'.`);

/** Largest memory of this process so far, in bytes. */
const peakRssBytes = (): number => process.resourceUsage().maxRSS * 1024;

const send = (reply: Reply): void => void process.send?.(reply);

const settings = { threads: Number(values.threads), pytorch: values.pytorch, device: 'cpu' } as const;
const prepared = await benchmark.prepare(settings);
process.on('message', async () => {
  const sample = await prepared.measure();
  send({ sample, peakRssBytes: peakRssBytes() });
});
send({ sample: {}, peakRssBytes: peakRssBytes() });
