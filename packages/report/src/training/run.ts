import { type KindsOf, listOf } from '@dpar/check';
import type { MetricsLine } from './metrics.js';

/** A training run, as its report shows it. */
export interface TrainingRun {
  readonly name: string;
  /** Steps that the run is to have. */
  readonly steps: number;
  /** The configuration, nested as it is in its file. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** A line for each step so far, see {@link parseMetrics}. */
  readonly metrics: readonly MetricsLine[];
  readonly model?: ModelFigures;
  readonly record?: RunRecord;
  /** Grids of images that were drawn while it trained, in the order of their steps. */
  readonly samples?: readonly SampleGrid[];
  /** How many grids there are, if not all are among `samples`. */
  readonly sampleCount?: number;
}

/** Size and cost of a model. */
export interface ModelFigures {
  readonly kind: string;
  /** Number of weights. */
  readonly parameters: number;
  /** Multiply-accumulates of all matrix products of a forward pass for one image. */
  readonly forwardMacs: number;
}

const modelFiguresKinds: KindsOf<ModelFigures> = {
  kind: 'string',
  parameters: 'number',
  forwardMacs: 'number',
  '*': 'any',
};

/** What a run leaves of itself beside its metrics. */
export interface RunRecord {
  /** `running` also stands for a run that was ended without a chance to say so. */
  readonly state: 'running' | 'done' | 'interrupted' | 'failed';
  /** Why it failed. */
  readonly message?: string;
  /** Hardware and versions: names and values. */
  readonly machine: Readonly<Record<string, string | number>>;
  /** What took time beside the steps: names and seconds. */
  readonly seconds?: Readonly<Record<string, number>>;
}

const runRecordKinds: KindsOf<RunRecord> = {
  state: "'running' | 'done' | 'interrupted' | 'failed'",
  'message?': 'string',
  machine: 'object',
  'seconds?': 'object',
  '*': 'any',
};

/** Images of one moment of training, all in one picture. */
export interface SampleGrid {
  readonly step: number;
  /** A PNG file. */
  readonly png: Uint8Array;
}

const sampleGridKinds: KindsOf<SampleGrid> = { step: 'number', png: 'Uint8Array', '*': 'any' };

/** Floating-point operations of one training step for one image: a backward pass costs two forward passes. */
export const trainingFlop = ({ forwardMacs }: ModelFigures): number => 6 * forwardMacs;

/** The last step before a run failed. Undefined if it did not. */
export function lastBeforeFailure({ record, metrics }: TrainingRun): number | undefined {
  return record?.state === 'failed' ? (metrics.at(-1)?.step ?? 0) : undefined;
}

export const trainingRunKinds: KindsOf<TrainingRun> = {
  name: 'string',
  steps: 'number',
  settings: 'object',
  metrics: 'object[]',
  'model?': modelFiguresKinds,
  'record?': runRecordKinds,
  'samples?': listOf(sampleGridKinds),
  'sampleCount?': 'number',
  '*': 'any',
};
