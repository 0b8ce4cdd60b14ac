import { join } from 'node:path';
import type { EmojiModel } from '@dpar/emoji';
import { readEntropyModelConfig } from '@dpar/entropy';
import { formatSafetensors, int8Weights, parseSafetensors, toHostTensors } from '@dpar/io';
import { type Checkpoint, readCheckpoint, writeCheckpoint, writeFolderAtomic, writeJson } from '@dpar/io/node';
import { readDparConfig, readLlamaGenConfig } from '@dpar/model';
import type { Engine } from '@dpar/tensor';
import { readPatchVqConfig } from '@dpar/tokenizer';
import { runFiles } from '@dpar/train/node';
import { countOf, loadEmoji } from '../emoji.js';
import { describeProcessor } from '../machine.js';
import type { Stages } from '../progress.js';
import { evaluateModel, type ModelQuality } from './evaluate.js';
import { runRecord, trainingConfig } from './run-record.js';
import { type RunName, runNames, type ShippedSettings, shipped } from './settings.js';
import type { BeforeAndAfter, TrainingRecord } from './training-record.js';

type Checkpoints = Readonly<Record<'tokenizer' | RunName, Checkpoint>>;

/** Element type of what is no matrix; matrices are int8. */
const storage = { dtype: 'F16' } as const;

/** The share by which a loss may grow when weights are rounded. */
const tolerance = 0.01;

/**
 * Makes the folder `model/` of `@dpar/emoji` of what `makeModel` wrote: the best weights so far, rounded, class names,
 * training configurations and figures. The figures name the machine it runs on as the one that trained.
 * @param folder Of `makeModel`, which may still be at work.
 * @param target Replaced as a whole, or not at all.
 * @throws Error if something is missing, or the rounded weights are worse.
 */
export async function packModel(
  engine: Engine,
  folder: string,
  target: string,
  stages: Stages,
  settings: ShippedSettings = shipped,
): Promise<TrainingRecord> {
  const { classes, train, validation } = await stages.run('Images', 1, (progress) =>
    loadEmoji(settings.images, (done, total) => progress.update(done / total)),
  );
  const trained: Checkpoints = {
    tokenizer: await readCheckpoint(join(folder, 'tokenizer')),
    entropy: await readCheckpoint(join(folder, 'entropy', runFiles.best)),
    dpar: await readCheckpoint(join(folder, 'dpar', runFiles.best)),
    llamagen: await readCheckpoint(join(folder, 'llamagen', runFiles.best)),
  };
  const [before, after] = await stages.run('Figures', 2, async (progress) => {
    const float32 = await evaluateModel(engine, modelOf(trained, classes), validation);
    progress.update(1);
    return [float32, await evaluateModel(engine, modelOf(rounded(trained), classes), validation)];
  });
  checkQuality(before, after);

  const both = (figure: keyof ModelQuality): BeforeAndAfter => ({ float32: before[figure], shipped: after[figure] });
  const { config: dpar } = modelOf(trained, classes).dpar;
  const record: TrainingRecord = {
    command: 'npm run demo -- --make-model DIR',
    seed: settings.seed,
    machine: describeProcessor(),
    images: { train: countOf(train), variants: settings.variants, validation: countOf(validation) },
    tokenizer: {
      parameters: countNumbers(trained.tokenizer),
      steps: settings.tokenizer.steps,
      codes: dpar.vocabSize,
      psnr: both('psnr'),
    },
    entropy: {
      parameters: countNumbers(trained.entropy),
      ...(await runRecord(folder, 'entropy')),
      loss: both('entropyLoss'),
    },
    dpar: {
      parameters: countNumbers(trained.dpar),
      ...(await runRecord(folder, 'dpar')),
      loss: both('dparLoss'),
      mean_patch_length: both('meanPatchLength'),
      threshold: dpar.patching.threshold,
    },
    llamagen: {
      parameters: countNumbers(trained.llamagen),
      ...(await runRecord(folder, 'llamagen')),
      loss: both('llamagenLoss'),
    },
  };
  await writeFolderAtomic(target, async (partial) => {
    for (const [name, { config, parameters }] of Object.entries(trained)) {
      await writeCheckpoint(join(partial, name), config, int8Weights(parameters), storage);
    }
    for (const name of runNames) {
      await writeJson(join(partial, name, runFiles.config), await trainingConfig(folder, name));
    }
    await writeJson(join(partial, 'classes.json'), classes);
    await writeJson(join(partial, 'training.json'), record);
  });
  return record;
}

function modelOf({ tokenizer, entropy, dpar, llamagen }: Checkpoints, classes: readonly string[]): EmojiModel {
  return {
    tokenizer: { config: readPatchVqConfig(tokenizer.config), parameters: tokenizer.parameters },
    entropy: { config: readEntropyModelConfig(entropy.config), parameters: entropy.parameters },
    dpar: { config: readDparConfig(dpar.config), parameters: dpar.parameters },
    llamagen: { config: readLlamaGenConfig(llamagen.config), parameters: llamagen.parameters },
    classes,
  };
}

/** The checkpoints as they are read again after they were written for shipping. */
function rounded({ tokenizer, entropy, dpar, llamagen }: Checkpoints): Checkpoints {
  const round = ({ config, parameters }: Checkpoint): Checkpoint => {
    const file = formatSafetensors(int8Weights(parameters), storage);
    return { config, parameters: toHostTensors(parseSafetensors(file).tensors) };
  };
  return { tokenizer: round(tokenizer), entropy: round(entropy), dpar: round(dpar), llamagen: round(llamagen) };
}

function checkQuality(before: ModelQuality, after: ModelQuality): void {
  for (const figure of ['entropyLoss', 'dparLoss', 'llamagenLoss'] as const) {
    if (after[figure] <= (1 + tolerance) * before[figure]) continue;
    throw new Error(
      `packModel: expected rounding to raise the ${figure} by at most ${100 * tolerance} %, ` +
        `got ${after[figure]} instead of ${before[figure]} nats. Train on, or pack other weights.`,
    );
  }
}

function countNumbers({ parameters }: Checkpoint): number {
  return Object.values(parameters).reduce((sum, { data }) => sum + data.length, 0);
}
