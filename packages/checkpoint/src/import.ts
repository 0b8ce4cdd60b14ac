import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { type ChunkedTensor, entriesOf, formatPyTorchValue, type PyTorchValue } from '@dpar/io';
import { writeCheckpoint, writeClassNames, writeSafetensors } from '@dpar/io/node';
import type { Json } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { withSetting } from '@dpar/train';
import {
  momentPrefixes,
  readStateFields,
  type TrainerState,
  trainerFiles,
  trainerStateOf,
  writeTrainerState,
} from '@dpar/train/node';
import { checkArguments } from './check-arguments.js';
import { importedClasses } from './classes.js';
import { inferConfig } from './infer-config.js';
import { checkKeys, type InferredConfig, withPlaceholders } from './inferred-config.js';
import { specsOf } from './kinds.js';
import { type OptimizerState, parseOptimizerState } from './optimizer-state.js';
import { officialNames, type StateDict } from './state-dict.js';
import {
  averageOf,
  checkWeights,
  refuseUnread,
  unreadWeights,
  withoutForeign,
  withTiedTable,
} from './usable-weights.js';
import {
  type FileOptimizer,
  openWeights,
  streamed,
  type Weight,
  type Weights,
  type WeightsFile,
} from './weights-file.js';

/** Options of {@link importCheckpoint}. */
export interface ImportOptions {
  /** Keys of config.json, all or some. They take precedence over those of the file. */
  readonly config?: Json;
  /** Changes of keys, each `a.b=value` with a value in JSON or, if it is not JSON, a text. */
  readonly settings?: readonly string[];
  /** Imports only these weights, without average, optimizer and step (default: everything). */
  readonly only?: 'model' | 'ema' | undefined;
  /** Seed for further training, if the file has none (default 0). */
  readonly seed?: number;
  /** Names of the model's classes, in order (default: those in the file or in `classes.json` of its folder). */
  readonly classes?: readonly string[] | undefined;
  /** Largest number of bytes of tensors in a file. Larger weights are split over several files: see `writeSafetensors`. */
  readonly maximumShardBytes?: number | undefined;
  /** Stops the import when aborted; nothing is written then. */
  readonly signal?: AbortSignal;
}

const importOptionsKinds: KindsOf<ImportOptions> = {
  'config?': 'object',
  'settings?': 'string[]',
  'only?': "'model' | 'ema'",
  'seed?': 'number',
  'classes?': 'string[]',
  'maximumShardBytes?': 'number',
  'signal?': 'AbortSignal',
};

/** Result of {@link importCheckpoint}. */
export interface ImportResult {
  /** Kind of the model. */
  readonly kind: string;
  /** Content of config.json. */
  readonly config: Json;
  /** Number of tensors with weights. */
  readonly tensors: number;
  /** Names of the checkpoint's files. */
  readonly files: readonly string[];
  /** Names of the model's classes, if they are known. */
  readonly classes: readonly string[] | undefined;
  /** Number of finished updates, if the file has the optimizer's state. */
  readonly step: number | undefined;
  /** Keys of the configuration with a usual or a preset's value: `rope_base 10000 (usual)`. */
  readonly assumed: readonly string[];
  /** Names in the file that are not weights. */
  readonly ignored: readonly string[];
  /** Parts of the file that do not fit the model, with the reason: `ema: missing norm.weight [768]`. */
  readonly leftOut: readonly string[];
  /** Faults of the file that do not affect the weights, such as a wrong total size in an index. */
  readonly notes: readonly string[];
}

/**
 * Converts a PyTorch or safetensors file into a checkpoint folder. The file comes from `exportPyTorch` or LlamaGen's
 * training scripts, or contains only weights: DPAR, class-conditional LlamaGen, entropy models, LlamaGen's tokenizer.
 * The kind is inferred from names and shapes. Weights keep their element type, and safetensors files their free text.
 * Tensors are read in chunks, so memory for the largest one is enough.
 *
 * @param path The file; for several safetensors files, their index or their folder.
 * @param folder The checkpoint to write.
 * @throws DparError that lists missing, unknown and misshapen parameters, or keys of the configuration without a source;
 * IoError if the file is refused: see `openPyTorch`.
 */
export async function importCheckpoint(
  path: string,
  folder: string,
  options: ImportOptions = {},
): Promise<ImportResult> {
  checkArguments(
    'importCheckpoint',
    { path, folder, options },
    { path: 'string', folder: 'string', 'options?': importOptionsKinds },
  );

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
  {
    config: given = {},
    settings = [],
    only,
    seed = 0,
    classes: givenClasses,
    maximumShardBytes,
    signal,
  }: ImportOptions,
): Promise<ImportResult> {
  // Weights, and the configuration that they belong to.
  const source = only === 'ema' ? file.average : file.model;
  if (source === undefined) throw noWeights(file, path, only);
  const found = officialNames(source.tensors);
  const unread = unreadWeights(source);
  refuseUnread('importCheckpoint', path, unread, (name) => name.endsWith('.weight') || name.endsWith('.bias'));
  const inferred = configOf(file, path, found, settings.reduce<unknown>(withSetting, { ...given }) as Json);
  // The names of the parameters depend on a boundary head.
  if (inferred.missing.includes('boundary_head')) checkKeys(inferred);
  const specs = specsOf(withPlaceholders(inferred));
  refuseUnread('importCheckpoint', path, unread, (name) => Object.hasOwn(specs, name));
  const own = withoutForeign(found.tensors, specs);
  const { tensors: weights, tied } = withTiedTable(own, specs);
  checkWeights(specs, weights, path, only);
  checkKeys(inferred);
  const { config, assumed } = inferred;
  specsOf(config); // throws for an invalid key

  const leftOut: string[] = [];
  const sources = { given: givenClasses, stored: file.classes, path };
  const classes = await importedClasses(sources, config, (reason) => leftOut.push(reason));

  // State of training.
  const whole = only === undefined;
  const average = whole && file.average ? averageOf(file.average, specs, (reason) => leftOut.push(reason)) : undefined;
  const optimizer = whole ? optimizerOf(file, leftOut) : undefined;
  const shapes = numberedOrder([...own.keys()], Object.keys(specs)).map(
    (name) => [name, (weights.get(name) as Weight).shape] as const,
  );
  const state = optimizer && (await parseOptimizerState(optimizer.value, shapes, optimizer.readNumber));

  // In the official order, which decides on the tensors of each file.
  const inOrder = (tensors: Weights): Map<string, ChunkedTensor> =>
    new Map(Object.keys(specs).map((name) => [name, streamed(tensors.get(name) as Weight, signal)]));
  const format = { maximumShardBytes };
  await writeCheckpoint(folder, config, inOrder(weights), {
    maximumShardBytes,
    metadata: file.metadata,
    more: async (partial) => {
      if (classes !== undefined) await writeClassNames(partial, classes);
      if (average !== undefined) await writeSafetensors(join(partial, trainerFiles.average), inOrder(average), format);
      if (optimizer === undefined || state === undefined) return;
      await writeSafetensors(join(partial, trainerFiles.optimizer), momentsOf(optimizer, state, signal), format);
      await writeTrainerState(partial, continuedState(file.trainer, state.step, seed));
    },
  });
  return {
    kind: String(config.kind),
    config,
    tensors: weights.size,
    files: (await readdir(folder)).sort(),
    classes,
    step: state?.step,
    assumed: [...assumed, ...tied],
    ignored: [...found.ignored.keys(), ...[...found.tensors.keys()].filter((name) => !own.has(name))],
    leftOut,
    notes: file.notes,
  };
}

function noWeights({ average, keys }: WeightsFile, path: string, only: ImportOptions['only']): DparError {
  const isAverage = only === undefined && average !== undefined;
  return new DparError(
    `importCheckpoint: expected weights under '${only ?? 'model'}' in '${path}', got none in ${keys}. ` +
      (isAverage ? "Import only 'ema': --only ema." : 'Save model.state_dict().'),
  );
}

/** The config.json that was exported with the weights, with changes; else the one inferred from the weights. */
function configOf(
  file: WeightsFile,
  path: string,
  { tensors, ignored }: StateDict<Weight>,
  changes: Json,
): InferredConfig {
  if (file.config === undefined) {
    const shapes = new Map(Array.from(tensors, ([name, { shape }]) => [name, shape]));
    return inferConfig(shapes, changes, { args: file.args, file: path, rotaryTable: ignored.get('freqs_cis')?.shape });
  }
  const config: Record<string, unknown> = { ...file.config, ...changes };
  if (changes.patching !== undefined) {
    config.patching = { ...(file.config.patching as object), ...(changes.patching as object) };
  }
  return { config, assumed: [], missing: [] };
}

/** The optimizer's state, unless the file has only an optimizer's name or object, which is added to `leftOut`. */
function optimizerOf({ optimizer }: WeightsFile, leftOut: string[]): FileOptimizer | undefined {
  if (optimizer === undefined || isStateDict(optimizer.value)) return optimizer;
  leftOut.push(`optimizer: ${formatPyTorchValue(optimizer.value)}, not a state_dict`);
  return undefined;
}

const isStateDict = (value: PyTorchValue): boolean => Array.isArray(value) || entriesOf(value) !== undefined;

/**
 * Names in the order in which the optimizer numbers parameters: that of the state_dict, which is the model's.
 * No model's order is alphabetical, so sorted names have lost it, and the official order applies.
 */
function numberedOrder(names: readonly string[], official: readonly string[]): readonly string[] {
  return names.join() === names.toSorted().join() ? official : names;
}

function momentsOf(
  { weight }: FileOptimizer,
  { moments }: OptimizerState,
  signal: AbortSignal | undefined,
): Map<string, ChunkedTensor> {
  const tensors = new Map<string, ChunkedTensor>();
  for (const [name, { first, second }] of moments) {
    tensors.set(momentPrefixes.first + name, streamed(weight(first), signal));
    tensors.set(momentPrefixes.second + name, streamed(weight(second), signal));
  }
  return tensors;
}

/** State of a run that continues at a step, from the trainer.json that was exported with it. */
function continuedState(exported: Json | undefined, step: number, seed: number): Omit<TrainerState, 'files'> {
  const known = readStateFields(exported);
  // The loss was measured with the exported weights.
  const validationLoss = known.step === step ? known.validation_loss : null;
  return trainerStateOf(step, known.seed ?? seed, { ...known, validation_loss: validationLoss ?? null });
}
