import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { emojiFolder } from '@dpar/emoji/node';
import { createStages, runProgram, type Stages } from '@dpar/example-kit';
import { writeFileAtomic } from '@dpar/io/node';
import { toPng } from '@dpar/report';
import type { Engine } from '@dpar/tensor';
import chalk from 'chalk';
import { type Arguments, readArguments, usage } from './arguments.js';
import { runDemo } from './demo.js';
import { createEngine } from './engine.js';
import { compareLearning } from './learning/compare.js';
import { drawPretrained } from './pretrained/draw.js';
import { preview } from './pretrained/preview.js';
import { modelCard, updateCard } from './weights/card.js';
import { packModel } from './weights/pack.js';
import { makeModel } from './weights/train.js';

type Task = (engine: Engine, args: Arguments, stages: Stages) => Promise<string>;

/** Tasks by name. Each returns the text that is printed at the end. */
const tasks: Readonly<Record<Exclude<Arguments['task'], 'train'>, Task>> = {
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
  if (args.task === 'train') {
    const interruption = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
    process.exitCode = await runDemo(args, process, interruption.signal);
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
