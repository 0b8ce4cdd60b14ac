import { existsSync } from 'node:fs';
import { type Calibration, calibrateThreshold, type EntropyModelConfig, entropyKind } from '@dpar/entropy';
import { patchesOf } from '@dpar/example-kit/emoji';
import { toHostTensors } from '@dpar/io';
import { fileDigest, readSafetensors } from '@dpar/io/node';
import { loadModel } from '@dpar/model/node';
import type { ImageModel } from '@dpar/nn';
import { type HostTensorOf, int32 } from '@dpar/tensor';
import { entropiesOfSet } from '@dpar/train';
import { writeTokenSet } from '@dpar/train/node';
import type { EntropyRecipe, ModelRecipe, PatchLengths } from '../recipes.js';
import type { TrainingSettings } from '../settings.js';
import { entropiesCost } from './costs.js';
import type { GridData, TokenizedImages } from './images.js';
import type { Lab } from './lab.js';
import { type DataFile, lastCheckpoint, type Run, trainOnce } from './runs.js';
import { entropySize, modelSize, type TrainingSize } from './sizes.js';

const vocabSize = 1024;

/** Threshold in nats and longest patch in tokens. */
export interface Patching {
  readonly threshold: number;
  readonly maxPatchLength: number;
}

/** Google's emoji with the entropies of an entropy model, and the threshold of the wanted mean patch length. */
export interface PatchedData {
  readonly run: Run;
  readonly model: ImageModel<EntropyModelConfig>;
  readonly grid: GridData;
  readonly files: { readonly train: DataFile; readonly validation: DataFile };
  /** [N, T - 1], nats */
  readonly entropies: { readonly train: HostTensorOf<'float32'>; readonly validation: HostTensorOf<'float32'> };
  readonly calibration: Calibration;
  readonly patching: Patching;
}

/** Keys of a training run that follow from its settings. */
export function runKeys({ learningRate, warmupSteps }: TrainingSettings, { steps }: TrainingSize, seed: number) {
  return {
    optimizer: {
      learning_rate: learningRate,
      schedule: 'cosine',
      warmup_steps: Math.min(warmupSteps, Math.floor(steps / 3)),
      final_fraction: 0.05,
    },
    initialization: 'narrow',
    seed,
    validate_every: Math.max(1, Math.floor(steps / 6)),
    checkpoints: { every: Math.max(1, Math.floor(steps / 6)), keep: 7, best: false },
  };
}

/** The `model` keys that follow from the data. */
function dataKeys({ grid, classes }: GridData) {
  return { vocab_size: vocabSize, block_size: grid * grid, num_classes: classes.length };
}

async function entropyRun(lab: Lab, recipe: EntropyRecipe): Promise<Run> {
  const { entropy, halfEntropy, model } = lab.settings;
  const { vendor, grid, size, seed } = recipe;
  const { dim, nLayer, nHead } = size === 'half' ? halfEntropy : entropy;
  const data = await lab.data.at(vendor, grid);
  const layers = { dim, n_layer: nLayer, n_head: nHead, multiple_of: model.multipleOf };
  const trainingSize = entropySize(lab.settings, recipe);
  return trainOnce(lab, {
    name: `Entropy model, ${vendor}, ${grid}x${grid}, ${size}, seed ${seed}`,
    size: trainingSize,
    keys: { model: { kind: 'entropy', ...layers, ...dataKeys(data) }, ...runKeys(entropy, trainingSize, seed) },
    data,
  });
}

/** Google's emoji with entropies by an entropy model of the same grid. @param threshold Replaces the calibrated one. */
export async function patchedData(lab: Lab, recipe: EntropyRecipe, threshold?: number): Promise<PatchedData> {
  const run = await entropyRun(lab, recipe);
  const model = await loadModel(lastCheckpoint(run), { kinds: [entropyKind] });
  const grid = await lab.data.at('google', recipe.grid);
  const train = await withEntropies(lab, model, run, grid.train, 'train');
  const validation = await withEntropies(lab, model, run, grid.validation, 'validation');
  const { patching } = lab.settings;
  const calibration = calibrateThreshold(train.entropies, { ...patching, rowLength: recipe.grid });
  return {
    run,
    model,
    grid,
    files: { train, validation },
    entropies: { train: train.entropies, validation: validation.entropies },
    calibration,
    patching: { threshold: threshold ?? calibration.threshold, maxPatchLength: patching.maxPatchLength },
  };
}

async function withEntropies(
  lab: Lab,
  model: ImageModel<EntropyModelConfig>,
  run: Run,
  images: TokenizedImages,
  part: string,
): Promise<DataFile & { entropies: HostTensorOf<'float32'> }> {
  const identity = `${run.identity}-${images.digest.slice(0, 16)}-${part}`;
  const path = await lab.cache.place('entropies', `${identity}.safetensors`);
  const { tokens } = images;
  const [N = 0, T = 0] = tokens.shape;
  const set = { tokens, labels: int32([N], images.labels) };
  const cost = entropiesCost({ dim: model.config.dim, tokenLayers: model.config.nLayer, tokens: T }, N);
  const work = { kind: 'entropies', identity, name: `Entropies of ${part} images`, total: N, cost };
  await lab.work.ensure(work, existsSync(path), async (progress) => {
    const options = { batchSize: 16, onProgress: (done: number) => progress.update(done) };
    const entropies = await entropiesOfSet(lab.engine, model, set, options);
    await writeTokenSet(path, { ...set, entropies });
  });
  const { entropies } = toHostTensors((await readSafetensors(path)).tensors);
  return { path, digest: await fileDigest(path), entropies: entropies as HostTensorOf<'float32'> };
}

/** Patch lengths of the training or validation images. */
export function patchesOfImages(
  { entropies, grid, patching }: PatchedData,
  part: 'train' | 'validation',
): Int32Array[] {
  return patchesOf(entropies[part], { ...patching, rowLength: grid.grid });
}

/** Patching that gives the training images a mean patch length. */
export function patchingOf({ entropies, grid }: PatchedData, { mean, longest }: PatchLengths): Patching {
  const options = { targetMeanPatchLength: mean, maxPatchLength: longest, rowLength: grid.grid };
  return { threshold: calibrateThreshold(entropies.train, options).threshold, maxPatchLength: longest };
}

/** The `model` keys of a DPAR or a LlamaGen. */
export function modelKeys(
  { settings }: Lab,
  { kind, variant }: ModelRecipe,
  { grid, patching }: PatchedData,
): Record<string, unknown> {
  const { dim, nHead, nLayer, multipleOf } = settings.model;
  const { encoderLayers, decoderLayers, embedding } = variant;
  const shared = { kind, dim, n_head: nHead, multiple_of: multipleOf, ...dataKeys(grid) };
  if (kind === 'llamagen') return { ...shared, n_layer: nLayer + encoderLayers + decoderLayers };
  return {
    ...shared,
    n_layer: nLayer,
    n_local_encoder_layers: encoderLayers,
    n_local_decoder_layers: decoderLayers,
    embedding_type: embedding,
    patching: { threshold: patching.threshold, max_patch_length: patching.maxPatchLength },
  };
}

/** Keys of DPAR's batches: windows of few batches, so that small sets stay mixed. */
export const batchKeys: Readonly<Record<string, number>> = { window_batches: 4 };

/** Trains a DPAR on data with patches, or a LlamaGen on the same tokens. */
export async function trainModel(lab: Lab, recipe: ModelRecipe, data: PatchedData): Promise<Run> {
  const { kind, label, seed } = recipe;
  const size = modelSize(lab.settings, recipe);
  const keys = { model: modelKeys(lab, recipe, data), ...runKeys(lab.settings.training, size, seed) };
  return kind === 'dpar'
    ? trainOnce(lab, { name: `DPAR ${label}, seed ${seed}`, size, keys, data: data.files, dataKeys: batchKeys })
    : trainOnce(lab, { name: `LlamaGen ${label}, seed ${seed}`, size, keys, data: data.grid });
}
