import { join } from 'node:path';
import {
  type ChunkedTensor,
  deferredTensor,
  type PyTorchTensor,
  type StoredTensor,
  type StoredType,
  toHostTensor,
} from '@dpar/io';
import { writeCheckpoint, writeSafetensors } from '@dpar/io/node';
import { checkParameters, type ParameterSpecs } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { readVqConfig, vqSpecs } from '@dpar/tokenizer';
import { prefixes } from '../checkpoint.js';
import { withSetting } from '../train-config.js';
import { trainableModel } from '../trainable.js';
import {
  readStateFields,
  type TrainerState,
  trainerFiles,
  trainerStateOf,
  writeTrainerState,
} from '../trainer-state.js';
import { type InferredConfig, inferConfig } from './infer-config.js';
import { inferVqConfig, isVqTokenizer } from './infer-vq-config.js';
import { type OptimizerState, parseOptimizerState } from './optimizer-state.js';
import { officialNames } from './state-dict.js';
import { weightTypes } from './weight-types.js';
import { openWeights, type Weight, type Weights, type WeightsFile } from './weights-file.js';

type Json = Readonly<Record<string, unknown>>;

/** How {@link importCheckpoint} reads. */
export interface ImportOptions {
  /** Keys of config.json, all or some; they come before what the file and its shapes tell. */
  readonly config?: Json;
  /** Changes of keys, each `a.b=value` with a value in JSON; what is not JSON is taken as text. */
  readonly settings?: readonly string[];
  /** These weights alone, without average, optimizer and step (default: all that there is). */
  readonly only?: 'model' | 'ema' | undefined;
  /** Seed of the training that goes on from here, where the file names none (default 0). */
  readonly seed?: number;
  /** Aborted to end the work; nothing is written then. */
  readonly signal?: AbortSignal;
}

/** What {@link importCheckpoint} has written. */
export interface ImportResult {
  readonly kind: string;
  readonly config: Json;
  /** Number of tensors with weights. */
  readonly tensors: number;
  /** Files of the checkpoint. */
  readonly files: readonly string[];
  /** Updates of the optimizer, if its state was there. */
  readonly step: number | undefined;
  /** Keys of the configuration that rest on no more than the usual value or the preset of that size. */
  readonly assumed: readonly string[];
  /** Names in the file that are no weights. */
  readonly ignored: readonly string[];
}

/**
 * Makes a checkpoint folder of a PyTorch or safetensors file: of `exportPyTorch`, of LlamaGen's training scripts, or of
 * weights alone (DPAR, class-conditional LlamaGen, entropy model, LlamaGen's tokenizer), told by names and shapes. Weights keep their element type.
 * Memory for the largest tensor is enough.
 *
 * @throws DparError that lists missing, extra and misshapen parameters, or keys of the configuration that nothing tells;
 * IoError if the file is refused: see `openPyTorch`.
 */
export async function importCheckpoint(
  path: string,
  folder: string,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const file = await openWeights(path);
  try {
    return await importFrom(file, path, folder, options);
  } finally {
    await file.close();
  }
}

async function importFrom(
  file: WeightsFile,
  path: string,
  folder: string,
  { config: given = {}, settings = [], only, seed = 0, signal }: ImportOptions,
): Promise<ImportResult> {
  const source = only === 'ema' ? file.average : file.model;
  if (source === undefined) {
    const remedy = only === undefined && file.average !== undefined ? "Take 'ema' alone." : 'Save model.state_dict().';
    throw new DparError(
      `importCheckpoint: expected weights under '${only ?? 'model'}' in '${path}', got none. ${remedy}`,
    );
  }
  const { tensors: weights, ignored } = officialNames(source);
  const changed = settings.reduce<unknown>(withSetting, { ...given }) as Json;
  const { config, assumed } = configOf(file, weights, changed);
  const specs = specsOf(config);
  const check = (tensors: Weights): void => checkParameters(specs, weightTypes(tensors));
  check(weights);

  const average = only === undefined && file.average ? officialNames(file.average).tensors : undefined;
  if (average !== undefined) check(average);
  const shapes = numberedOrder([...weights.keys()], Object.keys(specs)).map(
    (name) => [name, (weights.get(name) as Weight).shape] as const,
  );
  const optimizer =
    only === undefined && file.optimizer !== undefined
      ? await parseOptimizerState(file.optimizer, shapes, async (tensor) => {
          return Number(toHostTensor(await file.read(tensor)).data[0]);
        })
      : undefined;

  const streamed = (tensors: Weights): Map<string, ChunkedTensor> =>
    new Map(Array.from(tensors, ([name, weight]) => [name, later(weight, () => weight.read(), signal)]));
  await writeCheckpoint(folder, config, streamed(weights), {
    more: async (partial) => {
      if (average !== undefined) await writeSafetensors(join(partial, trainerFiles.average), streamed(average));
      if (optimizer === undefined) return;
      await writeSafetensors(join(partial, trainerFiles.optimizer), momentsOf(file, optimizer, signal));
      const { step } = optimizer;
      await writeTrainerState(partial, continuedState(file.trainer, step, seed));
    },
  });
  return {
    kind: String(config.kind),
    config,
    tensors: weights.size,
    files: [
      ...['config.json', 'model.safetensors'],
      ...(average ? [trainerFiles.average] : []),
      ...(optimizer ? [trainerFiles.optimizer, trainerFiles.state] : []),
    ],
    step: optimizer?.step,
    assumed,
    ignored,
  };
}

/** The state of a run that goes on here at a step, by what was exported of it. */
function continuedState(exported: Json | undefined, step: number, seed: number): Omit<TrainerState, 'files'> {
  const known = readStateFields(exported);
  // What was measured holds for the exported weights alone.
  const validation = known.step === step ? known.validation_loss : null;
  return trainerStateOf(step, known.seed ?? seed, { ...known, validation_loss: validation ?? null });
}

/** The parameters of what a config.json describes. */
function specsOf(config: Json): ParameterSpecs {
  return config.kind === 'vq' ? vqSpecs(readVqConfig(config)) : trainableModel(config).specs;
}

/** The config.json that was exported with the weights, with changes; else what can be told of the weights. */
function configOf(file: WeightsFile, weights: Weights, changes: Json): InferredConfig {
  if (file.config === undefined) {
    const shapes = new Map(Array.from(weights, ([name, { shape }]) => [name, shape]));
    return isVqTokenizer(shapes) ? inferVqConfig(shapes, changes) : inferConfig(shapes, changes, file.args);
  }
  const patching = { ...(file.config.patching as object), ...(changes.patching as object) };
  const config = { ...file.config, ...changes, ...(changes.patching !== undefined && { patching }) };
  return { config, assumed: [] };
}

/**
 * The order in which the optimizer numbers parameters: that of a state_dict is the model's. One sorted by name has lost it,
 * as no model has its parameters so: then it is the official one.
 */
function numberedOrder(names: readonly string[], official: readonly string[]): readonly string[] {
  return names.join() === names.toSorted().join() ? official : names;
}

function momentsOf(
  file: WeightsFile,
  { moments }: OptimizerState,
  signal: AbortSignal | undefined,
): Map<string, ChunkedTensor> {
  const tensor = (moment: PyTorchTensor): ChunkedTensor => later(moment, () => file.read(moment), signal);
  return new Map(
    Array.from(moments).flatMap(([name, { first, second }]) => [
      [prefixes.first + name, tensor(first)],
      [prefixes.second + name, tensor(second)],
    ]),
  );
}

function later(type: StoredType, read: () => Promise<StoredTensor>, signal: AbortSignal | undefined): ChunkedTensor {
  return deferredTensor(type, () => {
    signal?.throwIfAborted();
    return read();
  });
}
