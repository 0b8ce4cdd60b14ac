import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import {
  type ChunkedTensor,
  entriesOf,
  formatPyTorchValue,
  type PyTorchTensor,
  type PyTorchValue,
  toHostTensor,
} from '@dpar/io';
import { writeCheckpoint, writeSafetensors } from '@dpar/io/node';
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
import { checkKeys, inferConfig, withPlaceholders } from './infer-config.js';
import { interruptible } from './interruptible.js';
import { specsOf } from './kinds.js';
import { type OptimizerState, parseOptimizerState } from './optimizer-state.js';
import type { InferredConfig } from './recognise.js';
import { officialNames, type StateDict } from './state-dict.js';
import {
  averageOf,
  checkWeights,
  refuseUnread,
  unreadWeights,
  withoutForeign,
  withTiedTable,
} from './usable-weights.js';
import { openWeights, type Weight, type Weights, type WeightsFile } from './weights-file.js';

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
  /** Most bytes of tensors in a file; where there are more, they come in several with an index: see `writeSafetensors`. */
  readonly maximumShardBytes?: number | undefined;
  /** Aborted to end the work; nothing is written then. */
  readonly signal?: AbortSignal;
}

const importOptionsKinds: KindsOf<ImportOptions> = {
  'config?': 'object',
  'settings?': 'string[]',
  'only?': "'model' | 'ema'",
  'seed?': 'number',
  'maximumShardBytes?': 'number',
  'signal?': 'AbortSignal',
};

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
  /** Parts of the file that are not of this model, with the reason: `ema: missing norm.weight [768]`. */
  readonly leftOut: readonly string[];
  /** What is wrong with the file without touching the weights, such as the size that an index says. */
  readonly notes: readonly string[];
}

/**
 * Makes a checkpoint folder of a PyTorch or safetensors file: of `exportPyTorch`, of LlamaGen's training scripts, or of
 * weights alone (DPAR, class-conditional LlamaGen, entropy model, LlamaGen's tokenizer), told by names and shapes. Several
 * safetensors files come by their index or their folder. Weights keep their element type, and free text of safetensors
 * files is kept. They are read piece by piece: memory for the largest tensor is enough.
 *
 * @throws DparError that lists missing, extra and misshapen parameters, or keys of the configuration that nothing tells;
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
  { config: given = {}, settings = [], only, seed = 0, maximumShardBytes, signal }: ImportOptions,
): Promise<ImportResult> {
  const source = only === 'ema' ? file.average : file.model;
  if (source === undefined) {
    const remedy =
      only === undefined && file.average !== undefined ? "Take 'ema' alone: --only ema." : 'Save model.state_dict().';
    throw new DparError(
      `importCheckpoint: expected weights under '${only ?? 'model'}' in '${path}', got none in ${file.keys}. ${remedy}`,
    );
  }
  const found = officialNames(source.tensors);
  const { ignored } = found;
  const unread = unreadWeights(source);
  refuseUnread('importCheckpoint', path, unread, (name) => name.endsWith('.weight') || name.endsWith('.bias'));
  const changed = settings.reduce<unknown>(withSetting, { ...given }) as Json;
  const inferred = configOf(file, path, found, changed);
  const specs = specsOf(withPlaceholders(inferred));
  refuseUnread('importCheckpoint', path, unread, (name) => Object.hasOwn(specs, name));
  const own = withoutForeign(found.tensors, specs);
  const { tensors: weights, tied } = withTiedTable(own, specs);
  checkWeights(specs, weights, path, only);
  checkKeys(inferred);
  const { config, assumed } = inferred;
  specsOf(config); // all keys are valid

  const leftOut: string[] = [];
  const average =
    only === undefined && file.average ? averageOf(file.average, specs, (why) => leftOut.push(why)) : undefined;
  const shapes = numberedOrder([...own.keys()], Object.keys(specs)).map(
    (name) => [name, (weights.get(name) as Weight).shape] as const,
  );
  const optimizerState = only === undefined ? optimizerOf(file, leftOut) : undefined;
  const optimizer =
    optimizerState === undefined
      ? undefined
      : await parseOptimizerState(optimizerState, shapes, async (tensor) => {
          return Number(toHostTensor(await file.read(tensor)).data[0]);
        });

  // In the official order, which decides what lies together in a file.
  const streamed = (tensors: Weights): Map<string, ChunkedTensor> =>
    new Map(Object.keys(specs).map((name) => [name, later(tensors.get(name) as Weight, signal)]));
  const format = { maximumShardBytes };
  await writeCheckpoint(folder, config, streamed(weights), {
    ...format,
    metadata: file.metadata,
    more: async (partial) => {
      if (average !== undefined) await writeSafetensors(join(partial, trainerFiles.average), streamed(average), format);
      if (optimizer === undefined) return;
      await writeSafetensors(join(partial, trainerFiles.optimizer), momentsOf(file, optimizer, signal), format);
      const { step } = optimizer;
      await writeTrainerState(partial, continuedState(file.trainer, step, seed));
    },
  });
  return {
    kind: String(config.kind),
    config,
    tensors: weights.size,
    files: (await readdir(folder)).sort(),
    step: optimizer?.step,
    assumed: [...assumed, ...tied],
    ignored: [...ignored.keys(), ...[...found.tensors.keys()].filter((name) => !own.has(name))],
    leftOut,
    notes: file.notes,
  };
}

/** The optimizer's state; undefined if the file has none, or only the name or the object of one, which `leftOut` says. */
function optimizerOf({ optimizer }: WeightsFile, leftOut: string[]): PyTorchValue | undefined {
  if (optimizer === undefined || Array.isArray(optimizer) || entriesOf(optimizer) !== undefined) return optimizer;
  leftOut.push(`optimizer: ${formatPyTorchValue(optimizer)}, not a state_dict`);
  return undefined;
}

/** The state of a run that goes on here at a step, by what was exported of it. */
function continuedState(exported: Json | undefined, step: number, seed: number): Omit<TrainerState, 'files'> {
  const known = readStateFields(exported);
  // What was measured holds for the exported weights alone.
  const validation = known.step === step ? known.validation_loss : null;
  return trainerStateOf(step, known.seed ?? seed, { ...known, validation_loss: validation ?? null });
}

/** The config.json that was exported with the weights, with changes; else what can be told of the weights. */
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
  const patching = { ...(file.config.patching as object), ...(changes.patching as object) };
  const config = { ...file.config, ...changes, ...(changes.patching !== undefined && { patching }) };
  return { config, assumed: [], missing: [] };
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
  const tensor = (moment: PyTorchTensor): ChunkedTensor => {
    const { dtype, shape } = moment;
    return later({ dtype, shape, chunks: () => file.chunks(moment) }, signal);
  };
  return new Map(
    Array.from(moments).flatMap(([name, { first, second }]) => [
      [momentPrefixes.first + name, tensor(first)],
      [momentPrefixes.second + name, tensor(second)],
    ]),
  );
}

function later({ dtype, shape, chunks }: Weight, signal: AbortSignal | undefined): ChunkedTensor {
  return { dtype, shape, chunks: interruptible(chunks, signal) };
}
