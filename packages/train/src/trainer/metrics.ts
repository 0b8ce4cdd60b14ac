import type { KindsOf } from '@dpar/check';
import { checkArguments } from '../check-arguments.js';
/** What one training step reports. */
export interface StepMetrics {
  /** The step, counted from 1. */
  readonly step: number;
  /** Epoch of the step's first image, counted from 0. */
  readonly epoch: number;
  /** Nats per token, mean over the batch. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Of the whole step, with the compilation of a new graph if there was one; without validation. */
  readonly seconds: number;
  /** Of them, waiting for the batch to be loaded. */
  readonly waitSeconds: number;
  /** Part of them: gradient norm, update of the parameters and their moving average. */
  readonly optimizerSeconds: number;
  readonly imagesPerSecond: number;
  /** Predicted tokens per patch in the batch; 1 for models without patches. */
  readonly meanPatchLength: number;
  /** Share of the global transformer's positions in the batch that are padding; 0 for models without patches. */
  readonly paddingShare: number;
  /** Graphs compiled so far: a step that raises it has spent most of its time on that. */
  readonly graphs: number;
  /** Nats per token over the validation data, where it was measured after this step. */
  readonly validationLoss?: number;
}

const stepMetricsKinds: KindsOf<StepMetrics> = {
  step: 'number',
  epoch: 'number',
  loss: 'number',
  gradientNorm: 'number',
  learningRate: 'number',
  seconds: 'number',
  waitSeconds: 'number',
  optimizerSeconds: 'number',
  imagesPerSecond: 'number',
  meanPatchLength: 'number',
  paddingShare: 'number',
  graphs: 'number',
  'validationLoss?': 'number',
  '*': 'any',
};

/** One line of metrics.jsonl: the metrics as JSON with snake_case keys. */
export function metricsLine(metrics: StepMetrics): string {
  checkArguments('metricsLine', { metrics }, { metrics: stepMetricsKinds });

  const entries = Object.entries(metrics).map(([name, value]) => [snakeCase(name), value]);
  return `${JSON.stringify(Object.fromEntries(entries))}\n`;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
