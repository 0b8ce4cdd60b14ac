import { resolve } from 'node:path';
import { createOrtEngine } from '@dpar/engine-ort';
import { createStages, runProgram } from '@dpar/example-kit';
import { readArguments, usage } from './arguments.js';
import { makeTables } from './run.js';

async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  if (args.help) {
    process.stdout.write(usage);
    return;
  }
  const stages = createStages();
  const engine = await createOrtEngine(args.threads === undefined ? {} : { threads: args.threads });
  try {
    const onTable = (text: string) => void process.stderr.write(`${text}\n`);
    const report = await makeTables(engine, stages, { ...args, work: resolve(args.work), onTable });
    stages.stop();
    process.stdout.write(`Report: ${report}\n`);
  } finally {
    stages.stop();
    await engine.dispose();
  }
}

runProgram(main);
