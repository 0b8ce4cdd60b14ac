import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkpointFiles,
  classesFile,
  findFolder,
  makeFolder,
  writeFileAtomic,
  writeFolderAtomic,
  writeJson,
} from '@dpar/io/node';
import { drawImages, gridOf } from './drawing.js';
import { writeExamples } from './examples.js';
import { measureReconstructions } from './reconstructions.js';
import { writeCreateReport } from './report.js';
import type { CreateRun } from './run.js';
import { type StageRecord, stageTitles } from './stage.js';

/** Images of each class in the grid at the end, by the number of classes. */
const perClass = (classes: number): number => (classes === 1 ? 16 : 4);

/** Writes what a run ends with: the model folder, the grid and the report. */
export async function finishRun(run: CreateRun, stage: StageRecord): Promise<void> {
  await publishModel(run);
  const { engine, context, pictures, plan } = run;
  const classes = pictures.classes.length;
  const tokenizer = await run.tokenizer();
  const progress = context.progress({
    label: run.numbered(stage, stageTitles.result),
    unit: 'images',
    total: Math.min(10, classes) * perClass(classes),
  });
  try {
    const drawn = await drawImages({
      engine,
      checkpoint: run.path('model', 'dpar'),
      tokenizer,
      classes,
      perClass: perClass(classes),
      seed: plan.seed,
      signal: context.signal,
      onProgress: progress.update,
    });
    await writeFileAtomic(run.path('grid.png'), await gridOf(drawn, pictures.classes));
    const reconstructions = await measureReconstructions(run, tokenizer);
    stage.figures.psnr = reconstructions.psnr;
    await run.save();
    await writeCreateReport(run, { drawn, reconstructions });
  } finally {
    progress.stop();
    await tokenizer.dispose();
  }
}

/**
 * Copies the weights with the lowest validation losses into the model folder, with examples for a page. The folder appears whole or not at all.
 */
async function publishModel(run: CreateRun): Promise<void> {
  const names = ['tokenizer', 'entropy', 'dpar', ...(run.request.compare ? (['llamagen'] as const) : [])] as const;
  const sources = new Map<string, string>();
  for (const name of names) {
    const folder = await run.checkpoint(name);
    sources.set(name, (await findFolder(folder)) ?? folder);
  }
  await writeFolderAtomic(run.path('model'), async (partial) => {
    for (const [name, source] of sources) {
      await makeFolder(join(partial, name));
      for (const file of [checkpointFiles.config, checkpointFiles.model]) {
        await copyFile(join(source, file), join(partial, name, file));
      }
    }
    await writeJson(join(partial, classesFile), run.pictures.classes);
    await writeExamples(run, join(partial, 'examples'));
  });
}
