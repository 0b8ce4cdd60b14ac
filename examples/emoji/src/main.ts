import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { emojiFolder } from '@dpar/emoji/node';
import { writeFileAtomic } from '@dpar/io/node';
import { toPng } from '@dpar/report';
import type { Engine } from '@dpar/tensor';
import chalk from 'chalk';
import { type Arguments, readArguments, usage } from './arguments.js';
import { createEngine } from './engine.js';
import { compareLearning } from './learning/compare.js';
import { describeMachine } from './machine.js';
import { writeOutput } from './output.js';
import { runPipeline } from './pipeline.js';
import { drawPretrained } from './pretrained/draw.js';
import { preview } from './pretrained/preview.js';
import { createStages, type Stages } from './progress.js';
import { runProgram } from './run-program.js';
import { settingsFor, smokeSettings } from './settings.js';
import { modelCard, updateCard } from './shipped/card.js';
import { makeModel } from './shipped/make-model.js';
import { packModel } from './shipped/pack-model.js';

async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  if (args.help) {
    process.stdout.write(usage);
    return;
  }
  const stages = createStages();
  const engine = await createEngine(args.engine);
  try {
    const text = await tasks[args.task](engine, args, stages);
    stages.stop();
    process.stdout.write(text);
  } finally {
    stages.stop();
    await engine.dispose();
  }
}

/** What can be done. Each gives the text that is printed at the end. */
const tasks: Readonly<Record<Arguments['task'], typeof train>> = {
  train,
  pretrained,
  async learning(engine, { folder }, stages) {
    return `${await compareLearning(engine, folder, stages)}\n`;
  },
  async 'make-model'(engine, { folder }, stages) {
    await makeModel(engine, folder, stages);
    return `Trained. npm run demo -- --pack-model ${folder} puts the weights into packages/emoji.\n`;
  },
  async 'pack-model'(engine, { folder }, stages) {
    const record = await packModel(engine, folder, emojiFolder, stages);
    await updateCard(join(emojiFolder, '..', 'README.md'), record);
    return `${modelCard(record)}\nModel: ${emojiFolder}\n`;
  },
};

async function train(engine: Engine, args: Arguments, stages: Stages): Promise<string> {
  const { minutes, smoke, seed, output } = args;
  const results = await runPipeline(engine, smoke ? smokeSettings(seed) : settingsFor(minutes, seed), stages);
  const record = { machine: describeMachine(), stages: stages.done, command: commandOf(args) };
  const report = await writeOutput(resolve(output), results, record);
  return `${summaryOf(results)}\nReport: ${report}\n`;
}

async function pretrained(engine: Engine, { count, seed, output }: Arguments, stages: Stages): Promise<string> {
  const { grid, classes, images, tokensPerSecond, meanPatchLength } = await drawPretrained(
    engine,
    { perClass: count, seed },
    stages,
  );
  const path = join(resolve(output), 'pretrained.png');
  await mkdir(resolve(output), { recursive: true });
  await writeFileAtomic(path, toPng(grid));
  const { isTTY, columns } = process.stdout;
  // Sixteen colours are too few for a picture; some terminals say that they have no column.
  const shown = isTTY && chalk.level > 1 ? `${await preview(grid, columns || 80, chalk)}\n` : '';
  return [
    `${shown}Columns: ${classes.join(', ')}.`,
    `${images} images, ${tokensPerSecond.toFixed(0)} tokens/s, ${meanPatchLength.toFixed(2)} tokens per patch; ` +
      `${(performance.now() / 1000).toFixed(1)} s in all.`,
    `Picture: ${path}\n`,
  ].join('\n');
}

/** The command that repeats a run. */
function commandOf({ minutes, smoke, seed, engine }: Arguments): string {
  const other = engine === 'ort' ? '' : ` --engine ${engine}`;
  return `npm run demo -- ${smoke ? '--smoke' : `--minutes ${minutes}`} --seed ${seed}${other}`;
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

runProgram(main);
