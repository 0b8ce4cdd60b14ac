import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { indexSuffix, type WritablePyTorchValue } from '@dpar/io';
import {
  checkpointFiles,
  dequantized,
  openCheckpoint,
  openSafetensors,
  type SafetensorsReader,
  writePyTorch,
} from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { readTrainConfig } from '@dpar/train';
import { momentPrefixes, runFiles, trainerFiles } from '@dpar/train/node';
import { checkArguments } from './check-arguments.js';
import { interruptible } from './interruptible.js';
import { specsOf } from './kinds.js';
import { leftOut } from './left-out.js';
import { formatOptimizerState, type OptimizerSettings, type ParameterShapes } from './optimizer-state.js';
import { checkStoredWeights } from './usable-weights.js';

/** What {@link exportPyTorch} writes beside the weights. */
export interface ExportOptions {
  /** The state of the optimizer, where the checkpoint has one (default true). */
  readonly optimizer?: boolean;
  /** Aborted to end the work; nothing is written then. */
  readonly signal?: AbortSignal;
}

const exportOptionsKinds: KindsOf<ExportOptions> = { 'optimizer?': 'boolean', 'signal?': 'AbortSignal' };

/** What {@link exportPyTorch} has written. */
export interface ExportResult {
  readonly kind: string;
  /** Number of tensors with weights. */
  readonly tensors: number;
  /** The keys of the file. */
  readonly keys: readonly string[];
  /** Updates of the optimizer, if the checkpoint is of training. */
  readonly step: number | undefined;
  /** Where the optimizer's settings come from: a file, or 'defaults'; undefined if its state is not written. */
  readonly settingsFrom: string | undefined;
  /** Files of the checkpoint that have no place in the PyTorch file. */
  readonly leftOut: readonly string[];
  /** What is wrong with the checkpoint without touching the weights, such as the size that an index says. */
  readonly notes: readonly string[];
}

/**
 * Writes a checkpoint as LlamaGen's training scripts do, for `torch.load(path, weights_only=True)`: `model`, a state_dict
 * with the official names; `ema`, the moving average; `optimizer`, the state of `torch.optim.AdamW`; `steps`. Beside them
 * `config` and `trainer`, the texts of config.json and trainer.json. Matrices that `int8Weights` rounded become float32. Memory for the largest tensor is enough.
 *
 * @throws DparError if the weights are not those of the configuration; IoError if a file is missing or damaged.
 */
export async function exportPyTorch(folder: string, path: string, options: ExportOptions = {}): Promise<ExportResult> {
  checkArguments(
    'exportPyTorch',
    { folder, path, options },
    { folder: 'string', path: 'string', 'options?': exportOptionsKinds },
  );
  const { optimizer = true, signal } = options;
  const checkpoint = await openCheckpoint(folder);
  const parameters = dequantized(checkpoint.parameters);
  const open: SafetensorsReader[] = [parameters];
  const openOther = async (name: string): Promise<SafetensorsReader | undefined> => {
    const place = join(checkpoint.folder, name);
    if (!existsSync(place) && !existsSync(place + indexSuffix)) return undefined;
    const file = await openSafetensors(place);
    open.push(file);
    return file;
  };
  try {
    const { config } = checkpoint;
    const specs = specsOf(config);
    checkStoredWeights('exportPyTorch', folder, specs, parameters);
    // By the model's order PyTorch numbers them.
    const shapes: ParameterShapes = Object.entries(specs).map(([name, { shape }]) => [name, shape]);
    const names = shapes.map(([name]) => name);
    const average = await openOther(trainerFiles.average);
    const moments = optimizer ? await openOther(trainerFiles.optimizer) : undefined;
    const trainer = await readState(join(checkpoint.folder, trainerFiles.state));
    const settings = moments && (await settingsOf(checkpoint.folder));
    const value: Record<string, WritablePyTorchValue> = {
      model: stateDict(parameters, names, signal),
      ...(average && { ema: stateDict(average, names, signal) }),
      ...(moments &&
        settings && {
          optimizer: formatOptimizerState(shapes, trainer?.step ?? 0, settings, (name) => ({
            first: tensorOf(moments, momentPrefixes.first + name, signal),
            second: tensorOf(moments, momentPrefixes.second + name, signal),
          })),
        }),
      ...(trainer && { steps: trainer.step, trainer: trainer.text }),
      config: JSON.stringify(config),
    };
    await writePyTorch(path, value);
    return {
      kind: String(config.kind),
      tensors: names.length,
      keys: Object.keys(value),
      step: trainer?.step,
      settingsFrom: settings?.from,
      notes: open.flatMap((file) => file.notes),
      leftOut: await leftOut(
        checkpoint.folder,
        [...[checkpointFiles.model, trainerFiles.average], ...(optimizer ? [trainerFiles.optimizer] : [])],
        [checkpointFiles.config, trainerFiles.state],
      ),
    };
  } finally {
    for (const file of open) await file.close();
  }
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
    throw new DparError(`exportPyTorch: expected a tensor '${name}', got none in the checkpoint.`);
  }
  const { dtype, shape } = type;
  return { dtype, shape, chunks: interruptible(() => file.chunks(name), signal) };
}

async function readState(path: string): Promise<{ text: string; step: number } | undefined> {
  if (!existsSync(path)) return undefined;
  const text = await readFile(path, 'utf8');
  const { step }: { step?: unknown } = JSON.parse(text);
  if (typeof step === 'number' && Number.isSafeInteger(step)) return { text, step };
  throw new DparError(`exportPyTorch: expected a whole number 'step' in '${path}', got ${JSON.stringify(step)}.`);
}

/** The settings of the run that a checkpoint is in, or the defaults. */
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
