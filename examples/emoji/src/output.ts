import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { entropyKind } from '@dpar/entropy';
import { writeCheckpoint, writeFileAtomic, writeJson } from '@dpar/io/node';
import { dparKind, llamaGenKind } from '@dpar/model';
import { montage, type Picture, toPng } from '@dpar/report';
import { patchVqKind } from '@dpar/tokenizer';
import { drawFigures, type Figures } from './report/figures.js';
import { type RunRecord, reportPage } from './report/report.js';
import type { Results } from './results.js';

/**
 * Writes a run: `report.html`, the pictures as PNG files, the figures as `results.json`, and the models as checkpoints that
 * the `dpar` command reads.
 * @returns Path of the report.
 */
export async function writeOutput(folder: string, results: Results, record: RunRecord): Promise<string> {
  await mkdir(folder, { recursive: true });
  const figures = drawFigures(results);
  for (const [name, picture] of Object.entries(pictureFiles(figures))) {
    await writeFileAtomic(join(folder, `${name}.png`), toPng(picture));
  }
  await writeJson(join(folder, 'results.json'), numbers(results, record));
  const { tokenizer, entropyModel, dpar, llamaGen, settings } = results;
  const models = join(folder, 'models');
  await mkdir(models, { recursive: true });
  await writeCheckpoint(join(models, 'tokenizer'), patchVqKind.writeConfig(settings.tokenizer.config), tokenizer);
  await writeCheckpoint(join(models, 'entropy'), entropyKind.writeConfig(entropyModel.config), entropyModel.parameters);
  await writeCheckpoint(join(models, 'dpar'), dparKind.writeConfig(dpar.config), dpar.parameters);
  await writeCheckpoint(join(models, 'llamagen'), llamaGenKind.writeConfig(llamaGen.config), llamaGen.parameters);
  const report = join(folder, 'report.html');
  await writeFileAtomic(report, reportPage(results, figures, record));
  return report;
}

function pictureFiles({ grids, generatedPatches, reconstructions, entropies }: Figures): Record<string, Picture> {
  const pairs = reconstructions.map(({ original, reconstructed }) => montage([original, reconstructed], 1));
  const maps = entropies.map(({ picture }) => picture);
  return {
    'generated-dpar': grids.dpar,
    'generated-llamagen': grids.llamaGen,
    'generated-patches': generatedPatches,
    reconstructions: montage(pairs, 12, 8),
    entropies: montage(maps, 2, 16),
  };
}

/** The numbers of a run, without weights and pictures. */
function numbers(results: Results, { machine, stages, command }: RunRecord): object {
  const { settings, engine, classes, train, validation, entropyModel, calibration, dpar, llamaGen } = results;
  const set = ({ images, psnr, patches }: Results['train']) => ({ images: images.labels.length, psnr, patches });
  return {
    command,
    machine,
    engine,
    settings,
    classes,
    stages,
    train: set(train),
    validation: set(validation),
    calibration,
    entropyModel: entropyModel.training,
    dpar: { ...dpar.training, generationSeconds: dpar.generated.seconds },
    llamaGen: { ...llamaGen.training, generationSeconds: llamaGen.generated.seconds },
    linearMacs: results.linearMacs,
    matmulMacs: results.matmulMacs,
    generated: {
      labels: Array.from(results.labels),
      dpar: {
        tokens: Array.from(dpar.generated.tokens),
        patchLengths: dpar.generated.patchLengths.map((l) => Array.from(l)),
      },
      llamaGen: { tokens: Array.from(llamaGen.generated.tokens) },
    },
  };
}
