import { existsSync } from 'node:fs';
import { type Calibration, calibrateThreshold } from '@dpar/entropy';
import { toHostTensors } from '@dpar/io';
import { fileDigest, readSafetensors } from '@dpar/io/node';
import { type PatchStatistics, patchLengths, patchStatistics } from '@dpar/patchify';
import { type HostTensorOf, int32 } from '@dpar/tensor';
import { entropiesOfSet } from '@dpar/train';
import { type LoadedEntropyModel, loadEntropyModel, writeTokenSet } from '@dpar/train/node';
import { entropiesCost } from '../plan/costs.js';
import { dparSize, entropySize, llamaGenSize, type TrainingSize } from '../plan/sizes.js';
import { mainGrid, type TrainingSettings, type Variant } from '../settings.js';
import type { GridData, TokenizedImages, Vendor } from './images.js';
import type { Lab } from './lab.js';
import { type DataFile, lastCheckpoint, type Run, trainOnce } from './runs.js';

const vocabSize = 1024;

/** An entropy model: whose emoji it was trained on, at what grid, of what size. */
export interface EntropyRecipe {
  readonly vendor: Vendor;
  readonly grid: number;
  readonly size: 'whole' | 'half';
  readonly seed: number;
}

/** The entropy model that patches are made with unless something else is said. */
export const ownEntropy: EntropyRecipe = { vendor: 'google', grid: mainGrid, size: 'whole', seed: 0 };

/** Google's emoji with the entropies of an entropy model, and the threshold that follows. */
export interface PatchedData {
  readonly run: Run;
  readonly model: LoadedEntropyModel;
  readonly grid: GridData;
  readonly files: { readonly train: DataFile; readonly validation: DataFile };
  /** [N, T - 1], nats */
  readonly entropies: { readonly train: HostTensorOf<'float32'>; readonly validation: HostTensorOf<'float32'> };
  readonly calibration: Calibration;
  readonly threshold: number;
}

function optimizerKeys({ learningRate, warmupSteps }: TrainingSettings, steps: number) {
  return {
    learning_rate: learningRate,
    schedule: 'cosine',
    warmup_steps: Math.min(warmupSteps, Math.floor(steps / 3)),
    final_fraction: 0.05,
  };
}

/** Trains an entropy model. */
export async function entropyRun(lab: Lab, recipe: EntropyRecipe): Promise<Run> {
  const { entropy, halfEntropy, model } = lab.settings;
  const { vendor, grid, size, seed } = recipe;
  const { dim, nLayer, nHead } = size === 'half' ? halfEntropy : entropy;
  const data = await lab.data.at(vendor, grid);
  return trainOnce(lab, {
    name: `Entropy model, ${vendor}, ${grid}x${grid}, ${size}, seed ${seed}`,
    size: entropySize(lab.settings, grid, size),
    keys: {
      model: {
        kind: 'entropy',
        ...{ dim, n_layer: nLayer, n_head: nHead, multiple_of: model.multipleOf },
        ...{ vocab_size: vocabSize, block_size: grid * grid, num_classes: data.classes.length },
      },
      ...runKeys(entropy, entropySize(lab.settings, grid, size), seed),
    },
    data,
  });
}

function runKeys(training: TrainingSettings, { steps }: TrainingSize, seed: number) {
  return {
    optimizer: optimizerKeys(training, steps),
    initialization: 'narrow',
    seed,
    validate_every: Math.max(1, Math.floor(steps / 6)),
    checkpoints: { every: Math.max(1, Math.floor(steps / 6)), keep: 7, best: false },
  };
}

/** Google's emoji with entropies by an entropy model of the same grid. */
export async function patchedData(lab: Lab, recipe: EntropyRecipe, fixedThreshold?: number): Promise<PatchedData> {
  const run = await entropyRun(lab, recipe);
  const model = await loadEntropyModel(lastCheckpoint(run));
  const grid = await lab.data.at('google', recipe.grid);
  const parts = {
    train: await withEntropies(lab, model, run, grid.train, 'train'),
    validation: await withEntropies(lab, model, run, grid.validation, 'validation'),
  };
  const calibration = calibrateThreshold(parts.train.entropies, {
    ...lab.settings.patching,
    rowLength: recipe.grid,
  });
  return {
    run,
    model,
    grid,
    files: parts,
    entropies: { train: parts.train.entropies, validation: parts.validation.entropies },
    calibration,
    threshold: fixedThreshold ?? calibration.threshold,
  };
}

async function withEntropies(
  lab: Lab,
  { config, parameters }: LoadedEntropyModel,
  run: Run,
  images: TokenizedImages,
  part: string,
): Promise<DataFile & { entropies: HostTensorOf<'float32'> }> {
  const identity = `${run.identity}-${images.digest.slice(0, 16)}-${part}`;
  const path = await lab.cache.place('entropies', `${identity}.safetensors`);
  const { tokens } = images;
  const labels = int32([images.labels.length], images.labels);
  const [N = 0, T = 0] = tokens.shape;
  const cost = entropiesCost({ dim: config.dim, tokenLayers: config.nLayer, tokens: T }, N);
  const work = { kind: 'entropies', identity, name: `Entropies of ${part} images`, total: N, cost };
  await lab.work.ensure(work, existsSync(path), async (progress) => {
    const entropies = await entropiesOfSet(
      lab.engine,
      config,
      parameters,
      { tokens, labels },
      { batchSize: 16, onProgress: (done) => progress.update(done) },
    );
    await writeTokenSet(path, { tokens, labels, entropies });
  });
  const { entropies } = toHostTensors((await readSafetensors(path)).tensors);
  return { path, digest: await fileDigest(path), entropies: entropies as HostTensorOf<'float32'> };
}

/** Patches of images at a threshold. */
export function patchesOf(
  entropies: HostTensorOf<'float32'>,
  options: { readonly threshold: number; readonly maxPatchLength: number; readonly rowLength: number },
): { lengths: Int32Array[]; statistics: PatchStatistics } {
  const [N = 0, predicted = 0] = entropies.shape;
  const lengths = Array.from({ length: N }, (_, i) =>
    patchLengths(entropies.data.subarray(i * predicted, (i + 1) * predicted), options),
  );
  return { lengths, statistics: patchStatistics(lengths) };
}

/** The `model` keys of a DPAR model. */
export function dparKeys(lab: Lab, variant: Variant, { grid, threshold }: PatchedData): Record<string, unknown> {
  const { dim, nHead, nLayer, multipleOf } = lab.settings.model;
  return {
    kind: 'dpar',
    ...{ dim, n_head: nHead, n_layer: nLayer, multiple_of: multipleOf },
    ...{ n_local_encoder_layers: variant.encoderLayers, n_local_decoder_layers: variant.decoderLayers },
    ...{ vocab_size: vocabSize, block_size: grid.grid ** 2, num_classes: grid.classes.length },
    embedding_type: variant.embedding,
    patching: { threshold, max_patch_length: lab.settings.patching.maxPatchLength },
  };
}

/** The `model` keys of a LlamaGen of as many layers as DPAR has in all, as the paper compares them. */
export function llamaGenKeys(lab: Lab, variant: Variant, grid: GridData): Record<string, unknown> {
  const { dim, nHead, nLayer, multipleOf } = lab.settings.model;
  return {
    kind: 'llamagen',
    ...{ dim, n_head: nHead, multiple_of: multipleOf },
    n_layer: nLayer + variant.encoderLayers + variant.decoderLayers,
    ...{ vocab_size: vocabSize, block_size: grid.grid ** 2, num_classes: grid.classes.length },
  };
}

/** Keys of DPAR's batches: windows of few of them, so that small sets stay mixed. */
export const batchKeys: Readonly<Record<string, number>> = { window_batches: 4 };

/** Trains DPAR on data with patches. */
export async function dparRun(lab: Lab, variant: Variant, data: PatchedData, seed: number, what: string): Promise<Run> {
  const size = dparSize(lab.settings, variant, data.grid.grid);
  return trainOnce(lab, {
    name: `DPAR ${what}, seed ${seed}`,
    size,
    keys: { model: dparKeys(lab, variant, data), ...runKeys(lab.settings.training, size, seed) },
    data: data.files,
    dataKeys: batchKeys,
  });
}

/** Trains a LlamaGen. */
export async function llamaGenRun(lab: Lab, variant: Variant, grid: GridData, seed: number): Promise<Run> {
  const size = llamaGenSize(lab.settings, variant, grid.grid);
  return trainOnce(lab, {
    name: `LlamaGen ${grid.grid}x${grid.grid}, seed ${seed}`,
    size,
    keys: { model: llamaGenKeys(lab, variant, grid), ...runKeys(lab.settings.training, size, seed) },
    data: grid,
  });
}
