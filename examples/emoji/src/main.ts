import { createOrtEngine } from '@dpar/engine-ort';
import { readArguments, UsageError, usage } from './arguments.js';
import { runPipeline } from './pipeline.js';
import { createStages } from './progress.js';
import { settingsFor, smokeSettings } from './settings.js';

async function main(): Promise<number> {
  const { minutes, smoke, seed, output, help } = readArguments(process.argv.slice(2));
  if (help) {
    process.stdout.write(usage);
    return 0;
  }
  const stages = createStages();
  const engine = await createOrtEngine();
  try {
    const results = await runPipeline(engine, smoke ? smokeSettings(seed) : settingsFor(minutes, seed), stages);
    console.log(
      JSON.stringify(
        {
          ...results,
          train: { psnr: results.train.psnr, p: results.train.patches },
          validation: { psnr: results.validation.psnr, p: results.validation.patches },
          tokenizer: 0,
          entropyModel: results.entropyModel.training,
          dpar: results.dpar.training,
          llamaGen: results.llamaGen.training,
          labels: 0,
          stages: stages.done,
        },
        (k, v) => (k === 'training' ? undefined : v),
        1,
      ),
    );
  } finally {
    stages.stop();
    await engine.dispose();
  }
  return 0;
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof Error ? (error instanceof UsageError ? error.message : error.stack) : error}\n`,
    );
    process.exitCode = error instanceof UsageError ? 2 : 1;
  },
);
