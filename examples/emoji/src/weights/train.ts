import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { calibrateThreshold, entropyKind } from '@dpar/entropy';
import type { Stages } from '@dpar/example-kit';
import { writeJson } from '@dpar/io/node';
import { loadModel } from '@dpar/model/node';
import { type Engine, int32 } from '@dpar/tensor';
import { entropiesOfSet, readTrainConfig } from '@dpar/train';
import { train } from '@dpar/train/node';
import { prepareData } from './data.js';
import { gridSizeOf, type RunName, type ShippedSettings, shipped, trainingRun } from './settings.js';

/**
 * Trains the tokenizer, the entropy model, the DPAR with its boundary head, and the LlamaGen of the package `@dpar/emoji`.
 * Started again with the same folder, it resumes an interrupted run.
 * @param folder Gets `tokenizer/`, `data/`, and the runs `entropy/`, `dpar/`, `head/` and `llamagen/`, with the
 * configurations that `dpar train` reads beside them.
 */
export async function makeModel(
  engine: Engine,
  folder: string,
  stages: Stages,
  settings: ShippedSettings = shipped,
): Promise<void> {
  const { numClasses, threshold } = await prepareModel(engine, folder, stages, settings);
  for (const name of ['dpar', 'head', 'llamagen'] as const) {
    await trainRun(engine, name, trainingRun(name, settings, folder, numClasses, threshold), folder, stages);
  }
}

/** Makes what DPAR needs: tokenizer, tokens, entropy model, and the threshold of the wanted mean patch length. */
export async function prepareModel(
  engine: Engine,
  folder: string,
  stages: Stages,
  settings: ShippedSettings = shipped,
): Promise<{ numClasses: number; threshold: number }> {
  await mkdir(folder, { recursive: true });
  const { classes, tokens } = await prepareData(engine, folder, settings, stages);
  const numClasses = classes.length;
  await trainRun(engine, 'entropy', trainingRun('entropy', settings, folder, numClasses), folder, stages);
  const threshold = await stages.run('Threshold', 1, async () => {
    const model = await loadModel(join(folder, 'entropy', 'best'), { kinds: [entropyKind] });
    const labels = int32([tokens.shape[0] ?? 0]);
    const entropies = await entropiesOfSet(engine, model, { tokens, labels }, { batchSize: 32 });
    return calibrateThreshold(entropies, { ...settings.patching, rowLength: gridSizeOf(settings) }).threshold;
  });
  return { numClasses, threshold };
}

/** Names of the runs for people. */
const titles: Readonly<Record<RunName, string>> = {
  entropy: 'Entropy model',
  dpar: 'DPAR',
  head: 'Boundary head',
  llamagen: 'LlamaGen',
};

/** Runs a configuration, from its last checkpoint if there is one. */
async function trainRun(
  engine: Engine,
  name: RunName,
  json: Record<string, unknown>,
  folder: string,
  stages: Stages,
): Promise<void> {
  const config = readTrainConfig(json);
  await writeJson(join(folder, `${name}.json`), json);
  await stages.run(titles[name], config.steps, async (progress) => {
    let validation = '';
    for await (const { step, loss, validationLoss } of train(engine, config, { resume: true })) {
      if (validationLoss !== undefined) validation = ` (validation ${validationLoss.toFixed(3)})`;
      progress.update(step, `loss ${loss.toFixed(3)}${validation}`);
    }
  });
}
