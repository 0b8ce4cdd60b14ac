import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { indexSuffix, type WritablePyTorchValue } from '@dpar/io';
import {
  checkpointFiles,
  classesFile,
  dequantized,
  openCheckpoint,
  openSafetensors,
  type SafetensorsReader,
  writePyTorch,
} from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { readTrainConfig } from '@dpar/train';
import { classesKey, momentPrefixes, runFiles, trainerFiles } from '@dpar/train/node';
import { checkArguments } from './check-arguments.js';
import { checkpointClasses } from './classes.js';
import { filesLeftOut } from './export-safetensors.js';
import { specsOf } from './kinds.js';
import { formatOptimizerState, type OptimizerSettings, type ParameterShapes } from './optimizer-state.js';
import { checkStoredWeights } from './usable-weights.js';
import { streamed } from './weights-file.js';

/** Options of {@link exportPyTorch}. */
export interface ExportOptions {
  /** Exports the optimizer's state, if the checkpoint has one (default true). */
  readonly optimizer?: boolean;
  /** Stops the export when aborted; nothing is written then. */
  readonly signal?: AbortSignal;
}

const exportOptionsKinds: KindsOf<ExportOptions> = { 'optimizer?': 'boolean', 'signal?': 'AbortSignal' };

/** Result of {@link exportPyTorch}. */
export interface ExportResult {
  /** Kind of the model. */
  readonly kind: string;
  /** Number of tensors with weights. */
  readonly tensors: number;
  /** Keys of the written file. */
  readonly keys: readonly string[];
  /** Number of finished updates, if the checkpoint comes from a training run. */
  readonly step: number | undefined;
  /** Source of the optimizer's settings: the path of a file, or 'defaults'. `undefined` without the optimizer's state. */
  readonly settingsFrom: string | undefined;
  /** Names of the checkpoint's files that have no place in the PyTorch file. */
  readonly leftOut: readonly string[];
  /** Faults of the checkpoint that do not affect the weights, such as a wrong total size in an index. */
  readonly notes: readonly string[];
}

/**
 * Writes a checkpoint in the format of LlamaGen's training scripts, for `torch.load(path, weights_only=True)`.
 * The keys are `model`, a state_dict with the official names; `ema`, the moving average; `optimizer`, the state of
 * `torch.optim.AdamW`; `steps`; `config` and `trainer`, the texts of config.json and trainer.json; and `classes`, the list of the
 * names of the classes, if they are known.
 * Matrices that `int8Weights` rounded become float32. Memory for the largest tensor is enough.
 *
 * @throws DparError if the weights do not fit the configuration; IoError if a file is missing or damaged.
 */
export async function exportPyTorch(folder: string, path: string, options: ExportOptions = {}): Promise<ExportResult> {
  checkArguments(
    'exportPyTorch',
    { folder, path, options },
    { folder: 'string', path: 'string', 'options?': exportOptionsKinds },
  );
  const { optimizer = true, signal } = options;
  const checkpoint = await openCheckpoint(folder);
  const { config, folder: found } = checkpoint;
  const parameters = dequantized(checkpoint.parameters);
  const open: SafetensorsReader[] = [parameters];
  try {
    const specs = specsOf(config);
    checkStoredWeights('exportPyTorch', folder, specs, parameters);
    // PyTorch numbers parameters in the model's order.
    const shapes: ParameterShapes = Object.entries(specs).map(([name, { shape }]) => [name, shape]);
    const names = shapes.map(([name]) => name);
    const average = await openOptional(join(found, trainerFiles.average), open);
    const moments = optimizer ? await openOptional(join(found, trainerFiles.optimizer), open) : undefined;
    const trainer = await readState(join(found, trainerFiles.state));
    const settings = moments && (await settingsOf(found));

    const value: Record<string, WritablePyTorchValue> = { model: stateDict(parameters, names, signal) };
    if (average !== undefined) value.ema = stateDict(average, names, signal);
    if (moments !== undefined && settings !== undefined) {
      const trained = shapes.filter(([name]) => hasMoments(moments, name));
      value.optimizer = formatOptimizerState(trained, trainer?.step ?? 0, settings, (name) => ({
        first: tensorOf(moments, momentPrefixes.first + name, signal),
        second: tensorOf(moments, momentPrefixes.second + name, signal),
      }));
    }
    if (trainer !== undefined) {
      value.steps = trainer.step;
      value.trainer = trainer.text;
    }
    value.config = JSON.stringify(config);
    const classes = await checkpointClasses(found, config);
    if (classes !== undefined) value[classesKey] = [...classes.names];
    await writePyTorch(path, value);

    const exported: string[] = [checkpointFiles.model, trainerFiles.average];
    if (optimizer) exported.push(trainerFiles.optimizer);
    return {
      kind: String(config.kind),
      tensors: names.length,
      keys: Object.keys(value),
      step: trainer?.step,
      settingsFrom: settings?.from,
      leftOut: await filesLeftOut(found, exported, [
        checkpointFiles.config,
        trainerFiles.state,
        ...(classes ? [classesFile] : []),
      ]),
      notes: open.flatMap((file) => file.notes),
    };
  } finally {
    for (const file of open) await file.close();
  }
}

/** True unless a parameter has no moment, because its run did not train it. */
function hasMoments({ types }: SafetensorsReader, name: string): boolean {
  return types.has(momentPrefixes.first + name) || types.has(momentPrefixes.second + name);
}

/** Opens a safetensors file or its index, if one exists, and adds it to the open files. */
async function openOptional(path: string, open: SafetensorsReader[]): Promise<SafetensorsReader | undefined> {
  if (!existsSync(path) && !existsSync(path + indexSuffix)) return undefined;
  const file = await openSafetensors(path);
  open.push(file);
  return file;
}

function stateDict(
  file: SafetensorsReader,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Map<string, WritablePyTorchValue> {
  return new Map(names.map((name) => [name, tensorOf(file, name, signal)]));
}

function tensorOf(file: SafetensorsReader, name: string, signal: AbortSignal | undefined): WritablePyTorchValue {
  const type = file.types.get(name);
  if (type === undefined) {
    throw new DparError(
      `exportPyTorch: expected a tensor '${name}', got none in the checkpoint. Use a complete checkpoint.`,
    );
  }
  const { dtype, shape } = type;
  return streamed({ dtype, shape, chunks: () => file.chunks(name) }, signal);
}

/** Text of trainer.json and its step; `undefined` if the file does not exist. */
async function readState(path: string): Promise<{ text: string; step: number } | undefined> {
  if (!existsSync(path)) return undefined;
  const text = await readFile(path, 'utf8');
  const { step }: { step?: unknown } = JSON.parse(text);
  if (typeof step === 'number' && Number.isSafeInteger(step)) return { text, step };
  throw new DparError(
    `exportPyTorch: expected a whole number 'step' in '${path}', got ${JSON.stringify(step)}. Use an intact checkpoint.`,
  );
}

/** Optimizer settings of the run that wrote the checkpoint, or the defaults. */
async function settingsOf(folder: string): Promise<OptimizerSettings & { readonly from: string }> {
  const path = [dirname(folder), dirname(dirname(folder))]
    .map((parent) => join(parent, runFiles.config))
    .find((file) => existsSync(file));
  if (path === undefined) {
    return { learningRate: 1e-4, betas: [0.9, 0.95], epsilon: 1e-8, weightDecay: 0.05, from: 'defaults' };
  }
  const { optimizer } = readTrainConfig(JSON.parse(await readFile(path, 'utf8')));
  const { learning_rate: learningRate, betas, epsilon, weight_decay: weightDecay } = optimizer;
  return { learningRate, betas, epsilon, weightDecay, from: path };
}
