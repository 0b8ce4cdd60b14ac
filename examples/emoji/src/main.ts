import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { emojiFolder } from '@dpar/emoji/node';
import { createStages, describeMachine, runProgram, type Stages } from '@dpar/example-kit';
import { writeFileAtomic } from '@dpar/io/node';
import { toPng } from '@dpar/report';
import type { Engine } from '@dpar/tensor';
import chalk from 'chalk';
import { type Arguments, readArguments, usage } from './arguments.js';
import { createEngine } from './engine.js';
import { compareLearning } from './learning/compare.js';
import { writeOutput } from './output.js';
import { runPipeline } from './pipeline.js';
import { drawPretrained } from './pretrained/draw.js';
import { preview } from './pretrained/preview.js';
import type { Results } from './results.js';
import { settingsFor, smokeSettings } from './settings.js';
import { modelCard, updateCard } from './weights/card.js';
import { packModel } from './weights/pack.js';
import { makeModel } from './weights/train.js';

type Task = (engine: Engine, args: Arguments, stages: Stages) => Promise<string>;

/** Tasks by name. Each returns the text that is printed at the end. */
const tasks: Readonly<Record<Arguments['task'], Task>> = {
  train,
  pretrained,
  learning: (engine, { folder }, stages) => compareLearning(engine, folder, stages),
  'pack-model': pack,
  'make-model': async (engine, args, stages) => {
    await makeModel(engine, args.folder, stages);
    return pack(engine, args, stages);
  },
};

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
    process.stdout.write(`${text}\n`);
  } finally {
    stages.stop();
    await engine.dispose();
  }
}

async function train(engine: Engine, args: Arguments, stages: Stages): Promise<string> {
  const { minutes, smoke, seed, output } = args;
  const results = await runPipeline(engine, smoke ? smokeSettings(seed) : settingsFor(minutes, seed), stages);
  const other = args.engine === 'ort' ? '' : ` --engine ${args.engine}`;
  const command = `npm run demo -- ${smoke ? '--smoke' : `--minutes ${minutes}`} --seed ${seed}${other}`;
  const record = { machine: describeMachine(), stages: stages.done, command };
  return `${summaryOf(results)}\nReport: ${await writeOutput(resolve(output), results, record)}`;
}

function summaryOf({ validation, train, dpar, llamaGen }: Results): string {
  const ratio = dpar.training.stepSeconds / llamaGen.training.stepSeconds;
  return [
    `Tokenizer: ${validation.psnr.toFixed(2)} dB on validation images.`,
    `Patches: ${train.patches.meanLength.toFixed(2)} tokens on average.`,
    `Validation loss: DPAR ${dpar.training.validationLoss.toFixed(3)}, LlamaGen ${llamaGen.training.validationLoss.toFixed(3)} nats per token.`,
    `Time of a step: DPAR takes ${ratio.toFixed(2)} times as long as LlamaGen.`,
  ].join('\n');
}

async function pretrained(engine: Engine, { count, seed, output }: Arguments, stages: Stages): Promise<string> {
  const drawing = await drawPretrained(engine, { perClass: count, seed }, stages);
  const { grid, classes, images, tokensPerSecond, meanPatchLength } = drawing;
  const path = join(resolve(output), 'pretrained.png');
  await mkdir(resolve(output), { recursive: true });
  await writeFileAtomic(path, toPng(grid));
  const { isTTY, columns } = process.stdout;
  // Sixteen colours are too few for a picture. Some terminals report 0 columns.
  const shown = isTTY && chalk.level > 1 ? `${await preview(grid, columns || 80, chalk)}\n` : '';
  return [
    `${shown}Columns: ${classes.join(', ')}.`,
    `${images} images, ${tokensPerSecond.toFixed(0)} tokens/s, ${meanPatchLength.toFixed(2)} tokens per patch; ` +
      `${(performance.now() / 1000).toFixed(1)} s in all.`,
    `Picture: ${path}`,
  ].join('\n');
}

async function pack(engine: Engine, { folder }: Arguments, stages: Stages): Promise<string> {
  const record = await packModel(engine, folder, emojiFolder, stages);
  await updateCard(join(emojiFolder, '..', 'README.md'), record);
  return `${modelCard(record)}\nModel: ${emojiFolder}`;
}

runProgram(main);
