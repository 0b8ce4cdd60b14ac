import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmojiModel } from '@dpar/emoji';
import { entropyKind } from '@dpar/entropy';
import { describeProcessor, type Stages } from '@dpar/example-kit';
import { loadEmoji } from '@dpar/example-kit/emoji';
import { formatSafetensors, int8Weights, parseSafetensors, toHostTensors } from '@dpar/io';
import { type Checkpoint, readCheckpoint, writeCheckpoint, writeFolderAtomic, writeJson } from '@dpar/io/node';
import { dparKind, isBoundaryParameter, llamaGenKind } from '@dpar/model';
import { modelOf } from '@dpar/nn';
import { median, parseMetrics } from '@dpar/report';
import type { Engine, HostTensor, Tensors } from '@dpar/tensor';
import { patchVqKind } from '@dpar/tokenizer';
import { readTrainerState, runFiles } from '@dpar/train/node';
import type { BeforeAndAfter, TrainingRecord } from './card.js';
import { evaluateModel, type ModelQuality } from './evaluate.js';
import { type RunName, runNames, type ShippedSettings, shipped } from './settings.js';

/** Models as they are packed: `dpar` has its boundary head. */
type Checkpoints = Readonly<Record<'tokenizer' | 'entropy' | 'dpar' | 'llamagen', Checkpoint>>;

/** Element type of vectors; matrices are int8. */
const storage = { dtype: 'F16' } as const;

/** Training configuration of the boundary head, beside DPAR's. */
const headConfig = 'train-head.json';

/** Largest relative increase of a loss by rounding. */
const tolerance = 0.01;

/**
 * Makes the folder `model/` of `@dpar/emoji` from the output of `makeModel`: the best weights so far, rounded, with class
 * names, training configurations and figures. The threshold of the boundary head is that of the rounded weights. The figures name this machine as the one that trained.
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
    // The head's run leaves all other weights of DPAR as they are.
    dpar: await best('head'),
    llamagen: await best('llamagen'),
  };
  const [before, after] = await stages.run('Figures', 2, async (progress) => {
    const float32 = await evaluateModel(engine, emojiModelOf(trained, classes), validation);
    progress.update(1);
    return [float32, await evaluateModel(engine, emojiModelOf(rounded(trained), classes), validation)];
  });
  checkQuality(before, after);

  const both = (of: (quality: ModelQuality) => number): BeforeAndAfter => ({ float32: of(before), shipped: of(after) });
  const { config: dpar } = emojiModelOf(trained, classes).dpar;
  const { boundary: head, other } = splitBoundary(trained.dpar.parameters);
  const record: TrainingRecord = {
    command: 'npm run demo -- --make-model DIR',
    seed: settings.seed,
    machine: describeProcessor(),
    images: { train: train.labels.length, variants: settings.variants, validation: validation.labels.length },
    tokenizer: {
      parameters: countNumbers(trained.tokenizer.parameters),
      steps: settings.tokenizer.steps,
      codes: dpar.vocabSize,
      psnr: both(({ psnr }) => psnr),
    },
    entropy: {
      ...(await runRecord(folder, 'entropy', trained.entropy.parameters)),
      loss: both(({ entropyLoss }) => entropyLoss),
    },
    dpar: {
      ...(await runRecord(folder, 'dpar', other)),
      loss: both(({ dparLoss }) => dparLoss),
      mean_patch_length: both(({ meanPatchLength }) => meanPatchLength),
      threshold: dpar.patching.threshold,
    },
    head: {
      ...(await runRecord(folder, 'head', head)),
      correlation: both(({ head }) => head.correlation),
      agreement: both(({ head }) => head.agreement),
      loss: both(({ head }) => head.loss),
      mean_patch_length: both(({ head }) => head.meanPatchLength),
      threshold: after.head.threshold,
    },
    llamagen: {
      ...(await runRecord(folder, 'llamagen', trained.llamagen.parameters)),
      loss: both(({ llamagenLoss }) => llamagenLoss),
    },
  };
  await writeFolderAtomic(target, async (partial) => {
    for (const [name, { config, parameters }] of Object.entries(trained)) {
      const shippedConfig = name === 'dpar' ? withThreshold(config, after.head.threshold) : config;
      await writeCheckpoint(join(partial, name), shippedConfig, int8Weights(parameters), storage);
    }
    for (const name of runNames) {
      const path = name === 'head' ? join('dpar', headConfig) : join(name, runFiles.config);
      await writeJson(join(partial, path), await trainingConfig(folder, name));
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
  const losses = ({ entropyLoss, dparLoss, llamagenLoss, head }: ModelQuality) => ({
    entropyLoss,
    dparLoss,
    llamagenLoss,
    'loss with the boundary head': head.loss,
  });
  const rounded = losses(after);
  for (const [figure, loss] of Object.entries(losses(before))) {
    const got = rounded[figure as keyof typeof rounded];
    if (got <= (1 + tolerance) * loss) continue;
    throw new Error(
      `packModel: expected rounding to raise the ${figure} by at most ${100 * tolerance} %, ` +
        `got ${got} instead of ${loss} nats. Train longer, or pack other weights.`,
    );
  }
}

/** Content of config.json with another threshold of the boundary head. */
function withThreshold(config: Checkpoint['config'], threshold: number): Checkpoint['config'] {
  return { ...config, boundary_head: { ...Object(config.boundary_head), threshold } };
}

/** Parameters of a DPAR's boundary head, and all others. */
function splitBoundary(parameters: Tensors<HostTensor>): Record<'boundary' | 'other', Tensors<HostTensor>> {
  const part = (isHead: boolean): Tensors<HostTensor> =>
    Object.fromEntries(Object.entries(parameters).filter(([name]) => isBoundaryParameter(name) === isHead));
  return { boundary: part(true), other: part(false) };
}

const countNumbers = (parameters: Tensors<HostTensor>): number =>
  Object.values(parameters).reduce((sum, { data }) => sum + data.length, 0);

/** Number of a run's parameters, and its training until the best weights. */
async function runRecord(folder: string, name: RunName, parameters: Tensors<HostTensor>) {
  const { step: steps } = await readTrainerState(join(folder, name, runFiles.best));
  const metrics = parseMetrics(await readFile(join(folder, name, runFiles.metrics), 'utf8'));
  const seconds = metrics.filter(({ step }) => (step as number) <= steps).map((line) => line.seconds as number);
  // Not the sum of the seconds: a step during which the machine was suspended would count in full.
  return { parameters: countNumbers(parameters), steps, hours: (steps * median(seconds)) / 3600 };
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
