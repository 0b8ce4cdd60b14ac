import { resolve } from 'node:path';
import { createOrtEngine } from '@dpar/engine-ort';
import { type Arguments, readArguments, UsageError, usage } from './arguments.js';
import { compareLearning } from './learning/compare.js';
import { describeMachine } from './machine.js';
import { writeOutput } from './output.js';
import { runPipeline } from './pipeline.js';
import { createStages } from './progress.js';
import { settingsFor, smokeSettings } from './settings.js';
import { makeModel } from './shipped/make-model.js';

async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  if (args.help) {
    process.stdout.write(usage);
    return;
  }
  const { minutes, smoke, seed, output, makeModel: modelFolder } = args;
  const stages = createStages();
  const engine = await createOrtEngine();
  try {
    if (modelFolder !== undefined) {
      await makeModel(engine, modelFolder, stages);
      return;
    }
    if (args.learning !== undefined) {
      const found = await compareLearning(engine, args.learning, stages);
      stages.stop();
      process.stdout.write(`${found}\n`);
      return;
    }
    const results = await runPipeline(engine, smoke ? smokeSettings(seed) : settingsFor(minutes, seed), stages);
    const record = { machine: describeMachine(), stages: stages.done, command: commandOf(args) };
    const report = await writeOutput(resolve(output), results, record);
    stages.stop();
    process.stdout.write(`${summaryOf(results)}\nReport: ${report}\n`);
  } finally {
    stages.stop();
    await engine.dispose();
  }
}

/** The command that repeats a run. */
function commandOf({ minutes, smoke, seed }: Arguments): string {
  return `npm run demo -- ${smoke ? '--smoke' : `--minutes ${minutes}`} --seed ${seed}`;
}

function summaryOf({ validation, train, dpar, llamaGen }: Awaited<ReturnType<typeof runPipeline>>): string {
  const ratio = dpar.training.stepSeconds / llamaGen.training.stepSeconds;
  return [
    `Tokenizer: ${validation.psnr.toFixed(2)} dB on validation images.`,
    `Patches: ${train.patches.meanLength.toFixed(2)} tokens on average.`,
    `Validation loss: DPAR ${dpar.training.validationLoss.toFixed(3)}, LlamaGen ${llamaGen.training.validationLoss.toFixed(3)} nats per token.`,
    `Time of a step: DPAR takes ${ratio.toFixed(2)} times as long as LlamaGen.`,
  ].join('\n');
}

main().catch((error: unknown) => {
  const isUsage = error instanceof UsageError;
  const text = error instanceof Error ? (isUsage ? error.message : error.stack) : String(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = isUsage ? 2 : 1;
});
