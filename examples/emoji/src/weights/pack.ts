import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmojiModel } from '@dpar/emoji';
import { entropyKind } from '@dpar/entropy';
import { describeProcessor, type Stages } from '@dpar/example-kit';
import { loadEmoji } from '@dpar/example-kit/emoji';
import { formatSafetensors, int8Weights, parseSafetensors, toHostTensors } from '@dpar/io';
import { type Checkpoint, readCheckpoint, writeCheckpoint, writeFolderAtomic, writeJson } from '@dpar/io/node';
import { dparKind, llamaGenKind } from '@dpar/model';
import { modelOf } from '@dpar/nn';
import { median, parseMetrics } from '@dpar/report';
import type { Engine } from '@dpar/tensor';
import { patchVqKind } from '@dpar/tokenizer';
import { readTrainerState, runFiles } from '@dpar/train/node';
import type { BeforeAndAfter, TrainingRecord } from './card.js';
import { evaluateModel, type ModelQuality } from './evaluate.js';
import { type RunName, runNames, type ShippedSettings, shipped } from './settings.js';

type Checkpoints = Readonly<Record<'tokenizer' | RunName, Checkpoint>>;

/** Element type of vectors; matrices are int8. */
const storage = { dtype: 'F16' } as const;

/** Largest relative increase of a loss by rounding. */
const tolerance = 0.01;

/**
 * Makes the folder `model/` of `@dpar/emoji` from the output of `makeModel`: the best weights so far, rounded, with class
 * names, training configurations and figures. The figures name this machine as the one that trained.
 * @param folder Output of `makeModel`, which may still run.
 * @param target Replaced as a whole, or not at all.
 * @throws Error if a file is missing, or if rounding makes a model worse.
 */
export async function packModel(
  engine: Engine,
  folder: string,
  target: string,
  stages: Stages,
  settings: ShippedSettings = shipped,
): Promise<TrainingRecord> {
  const { classes, train, validation } = await stages.run('Images', 1, (progress) =>
    loadEmoji(settings.images, progress),
  );
  const best = (name: RunName) => readCheckpoint(join(folder, name, runFiles.best));
  const trained: Checkpoints = {
    tokenizer: await readCheckpoint(join(folder, 'tokenizer')),
    entropy: await best('entropy'),
    dpar: await best('dpar'),
    llamagen: await best('llamagen'),
  };
  const [before, after] = await stages.run('Figures', 2, async (progress) => {
    const float32 = await evaluateModel(engine, emojiModelOf(trained, classes), validation);
    progress.update(1);
    return [float32, await evaluateModel(engine, emojiModelOf(rounded(trained), classes), validation)];
  });
  checkQuality(before, after);

  const both = (figure: keyof ModelQuality): BeforeAndAfter => ({ float32: before[figure], shipped: after[figure] });
  const { config: dpar } = emojiModelOf(trained, classes).dpar;
  const record: TrainingRecord = {
    command: 'npm run demo -- --make-model DIR',
    seed: settings.seed,
    machine: describeProcessor(),
    images: { train: train.labels.length, variants: settings.variants, validation: validation.labels.length },
    tokenizer: {
      parameters: countNumbers(trained.tokenizer),
      steps: settings.tokenizer.steps,
      codes: dpar.vocabSize,
      psnr: both('psnr'),
    },
    entropy: { ...(await runRecord(folder, 'entropy', trained.entropy)), loss: both('entropyLoss') },
    dpar: {
      ...(await runRecord(folder, 'dpar', trained.dpar)),
      loss: both('dparLoss'),
      mean_patch_length: both('meanPatchLength'),
      threshold: dpar.patching.threshold,
    },
    llamagen: { ...(await runRecord(folder, 'llamagen', trained.llamagen)), loss: both('llamagenLoss') },
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

function emojiModelOf({ tokenizer, entropy, dpar, llamagen }: Checkpoints, classes: readonly string[]): EmojiModel {
  return {
    tokenizer: modelOf(patchVqKind, tokenizer.config, tokenizer.parameters),
    entropy: modelOf(entropyKind, entropy.config, entropy.parameters),
    dpar: modelOf(dparKind, dpar.config, dpar.parameters),
    llamagen: modelOf(llamaGenKind, llamagen.config, llamagen.parameters),
    classes,
  };
}

/** Rounds checkpoints as writing and reading them again does. */
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
        `got ${after[figure]} instead of ${before[figure]} nats. Train longer, or pack other weights.`,
    );
  }
}

const countNumbers = ({ parameters }: Checkpoint): number =>
  Object.values(parameters).reduce((sum, { data }) => sum + data.length, 0);

/** Size of a run's model, and its training until the best weights. */
async function runRecord(folder: string, name: RunName, checkpoint: Checkpoint) {
  const { step: steps } = await readTrainerState(join(folder, name, runFiles.best));
  const metrics = parseMetrics(await readFile(join(folder, name, runFiles.metrics), 'utf8'));
  const seconds = metrics.filter(({ step }) => (step as number) <= steps).map((line) => line.seconds as number);
  // Not the sum of the seconds: a step during which the machine was suspended would count in full.
  return { parameters: countNumbers(checkpoint), steps, hours: (steps * median(seconds)) / 3600 };
}

/** Configuration of a run, with paths relative to the folder of all runs. */
async function trainingConfig(folder: string, name: RunName): Promise<unknown> {
  const text = await readFile(join(folder, `${name}.json`), 'utf8');
  const { output } = JSON.parse(text) as { output: string };
  const root = output.slice(0, -name.length);
  return JSON.parse(text, (_, value) =>
    typeof value === 'string' && value.startsWith(root) ? value.slice(root.length) : value,
  );
}
