import { type KindsOf, listOf } from '@dpar/check';
import type { MetricsLine } from './metrics.js';

/** A training run for a report. */
export interface TrainingRun {
  readonly name: string;
  /** Planned number of steps. */
  readonly steps: number;
  /** Configuration, nested as in its file. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** A line per finished step; see {@link parseMetrics}. */
  readonly metrics: readonly MetricsLine[];
  readonly model?: ModelFigures;
  /** Names of the model's classes, in order. */
  readonly classes?: readonly string[];
  readonly record?: RunRecord;
  /** Weights that the run starts from; see {@link RunStart}. */
  readonly start?: RunStart;
  /** Grids of images drawn during training, in the order of their steps. */
  readonly samples?: readonly SampleGrid[];
  /** Number of all grids, if `samples` is a selection. */
  readonly sampleCount?: number;
}

/** Size and cost of a model. */
export interface ModelFigures {
  readonly kind: string;
  /** Number of weights. */
  readonly parameters: number;
  /** Multiply-accumulates of all matrix products and convolutions of a forward pass for one image. */
  readonly forwardMacs: number;
}

const modelFiguresKinds: KindsOf<ModelFigures> = {
  kind: 'string',
  parameters: 'number',
  forwardMacs: 'number',
  '*': 'any',
};

/** Weights that a run starts from, and what its model takes from them. */
export interface RunStart {
  /** Folder of their checkpoint. */
  readonly folder: string;
  /** Kind of their model. */
  readonly kind: string;
  /** Account of what the model takes, by the first part of its parameters' names. */
  readonly parts: readonly StartPart[];
}

/** Parameters of a model whose names begin alike, such as `layers`. */
export interface StartPart {
  readonly name: string;
  /** Numbers in these parameters. */
  readonly parameters: number;
  /** Numbers among them that come from the weights. */
  readonly taken: number;
  /** Phrases on the others. */
  readonly notes: readonly string[];
}

const startPartKinds: KindsOf<StartPart> = {
  name: 'string',
  parameters: 'number',
  taken: 'number',
  notes: 'string[]',
  '*': 'any',
};

const runStartKinds: KindsOf<RunStart> = {
  folder: 'string',
  kind: 'string',
  parts: listOf(startPartKinds),
  '*': 'any',
};

/** Record of a run besides its metrics. */
export interface RunRecord {
  /** State of the run. A killed run stays `running`. */
  readonly state: 'running' | 'done' | 'interrupted' | 'failed';
  /** Error message of a failed run. */
  readonly message?: string;
  /** Hardware and versions by name. */
  readonly machine: Readonly<Record<string, string | number>>;
  /** Feature network of a tokenizer's rFID, and its resize. */
  readonly features?: { readonly network: string; readonly resize: string };
  /** Seconds of work besides the steps, by name. */
  readonly seconds?: Readonly<Record<string, number>>;
}

const runRecordKinds: KindsOf<RunRecord> = {
  state: "'running' | 'done' | 'interrupted' | 'failed'",
  'message?': 'string',
  machine: 'object',
  'features?': { network: 'string', resize: 'string', '*': 'any' },
  'seconds?': 'object',
  '*': 'any',
};

/** Picture with the images of one training step. */
export interface SampleGrid {
  readonly step: number;
  /** A PNG file. */
  readonly png: Uint8Array;
}

const sampleGridKinds: KindsOf<SampleGrid> = { step: 'number', png: 'Uint8Array', '*': 'any' };

/** Floating-point operations of a training step per image. A backward pass costs two forward passes. */
export const trainingFlop = ({ forwardMacs }: ModelFigures): number => 6 * forwardMacs;

/** Last step before a run failed. Undefined if it did not fail. */
export function lastBeforeFailure({ record, metrics }: TrainingRun): number | undefined {
  return record?.state === 'failed' ? (metrics.at(-1)?.step ?? 0) : undefined;
}

export const trainingRunKinds: KindsOf<TrainingRun> = {
  name: 'string',
  steps: 'number',
  settings: 'object',
  metrics: 'object[]',
  'model?': modelFiguresKinds,
  'classes?': 'string[]',
  'record?': runRecordKinds,
  'start?': runStartKinds,
  'samples?': listOf(sampleGridKinds),
  'sampleCount?': 'number',
  '*': 'any',
};

/** True for a run that only trains a boundary head. Its loss is then the squared error of the head, in nats^2. */
export const trainsOnlyHead = ({ settings }: TrainingRun): boolean => settings.train === 'boundary_head';

/** True for the run of a tokenizer. Its loss is a weighted sum of terms, and its samples are pairs of pictures. */
export const trainsTokenizer = ({ settings }: TrainingRun): boolean =>
  typeof settings.loss === 'object' && settings.loss !== null;

/** Number of codes of a tokenizer that is trained; undefined if its configuration does not have it, as with a preset. */
export function codebookSizeOf({ settings }: TrainingRun): number | undefined {
  const { codebook_size } = Object(settings.model) as { codebook_size?: unknown };
  return typeof codebook_size === 'number' ? codebook_size : undefined;
}

/** Unit of the loss of a run. */
export function lossUnit(run: TrainingRun): string {
  if (trainsTokenizer(run)) return 'sum of weighted terms';
  return trainsOnlyHead(run) ? 'squared nats' : 'nats per token';
}
