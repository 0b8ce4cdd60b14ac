import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { calibrateThreshold } from '@dpar/entropy';
import { writeJson } from '@dpar/io/node';
import type { Engine } from '@dpar/tensor';
import { int32 } from '@dpar/tensor';
import { entropiesOfSet, readTrainConfig } from '@dpar/train';
import { loadEntropyModel, train } from '@dpar/train/node';
import type { Stages } from '../progress.js';
import { type PreparedData, prepareData } from './data.js';
import { dparRun, entropyRun, gridSizeOf, llamagenRun, type ShippedSettings, shipped } from './settings.js';

/**
 * Trains the tokenizer, the entropy model, the DPAR and the LlamaGen of the package `@dpar/emoji`, unattended. A run that
 * was stopped goes on where it was when it is started again with the same folder.
 * @param folder Gets `tokenizer/`, `data/`, and the runs `entropy/`, `dpar/` and `llamagen/` with the configurations that
 * `dpar train` reads beside them.
 */
export async function makeModel(
  engine: Engine,
  folder: string,
  stages: Stages,
  settings: ShippedSettings = shipped,
): Promise<void> {
  const { numClasses, threshold } = await prepareModel(engine, folder, stages, settings);
  await trainRun(engine, 'DPAR', dparRun(settings, folder, numClasses, threshold), folder, stages);
  await trainRun(engine, 'LlamaGen', llamagenRun(settings, folder, numClasses), folder, stages);
}

/** What comes before DPAR: tokenizer, tokens, entropy model and threshold. */
export async function prepareModel(
  engine: Engine,
  folder: string,
  stages: Stages,
  settings: ShippedSettings = shipped,
): Promise<{ numClasses: number; threshold: number }> {
  await mkdir(folder, { recursive: true });
  const data = await prepareData(engine, folder, settings, stages);
  const numClasses = data.classes.length;
  await trainRun(engine, 'Entropy model', entropyRun(settings, folder, numClasses), folder, stages);
  const threshold = await stages.run('Threshold', 1, () => thresholdOf(engine, folder, data, settings));
  return { numClasses, threshold };
}

/** Runs a configuration, from its last checkpoint if there is one. */
async function trainRun(engine: Engine, name: string, json: Record<string, unknown>, folder: string, stages: Stages) {
  const config = readTrainConfig(json);
  await writeJson(join(folder, `${config.model.kind}.json`), json);
  await stages.run(name, config.steps, async (progress) => {
    let validation = '';
    for await (const { step, loss, validationLoss } of train(engine, config, { resume: true })) {
      if (validationLoss !== undefined) validation = ` (validation ${validationLoss.toFixed(3)})`;
      progress.update(step, `loss ${loss.toFixed(3)}${validation}`);
    }
  });
}

/** The threshold that gives the training images, as they are, the wanted mean patch length. */
async function thresholdOf(
  engine: Engine,
  folder: string,
  { tokens }: PreparedData,
  settings: ShippedSettings,
): Promise<number> {
  const { config, parameters } = await loadEntropyModel(join(folder, 'entropy', 'best'));
  const labels = int32([tokens.shape[0] ?? 0]);
  const entropies = await entropiesOfSet(engine, config, parameters, { tokens, labels }, { batchSize: 32 });
  return calibrateThreshold(entropies, { ...settings.patching, rowLength: gridSizeOf(settings) }).threshold;
}
