import type { KindsOf } from '@dpar/check';
import { checkArguments } from '../check-arguments.js';

/** Metrics of one training step. */
export interface StepMetrics {
  /** The step, counted from 1. */
  readonly step: number;
  /** Epoch of the step's first image, counted from 0. */
  readonly epoch: number;
  /** Mean loss over the batch, nats per token. */
  readonly loss: number;
  /** Global norm before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Time of the whole step, with the compilation of a new graph, without validation. */
  readonly seconds: number;
  /** Part of `seconds`: waiting for the batch. */
  readonly waitSeconds: number;
  /** Part of `seconds`: gradient norm, and update of the parameters and their moving average. */
  readonly optimizerSeconds: number;
  readonly imagesPerSecond: number;
  /** Predicted tokens per patch in the batch; 1 for models without patches. */
  readonly meanPatchLength: number;
  /** Share of padding among the global transformer's positions in the batch; 0 for models without patches. */
  readonly paddingShare: number;
  /** Number of compiled graphs. A step that raises it spends most of its time on compilation. */
  readonly graphs: number;
  /** Loss over the validation data in nats per token, if it was measured after this step. */
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

/** Formats a line of metrics.jsonl: the metrics as JSON with snake_case keys. */
export function metricsLine(metrics: StepMetrics): string {
  checkArguments('metricsLine', { metrics }, { metrics: stepMetricsKinds });

  const entries = Object.entries(metrics).map(([name, value]) => [snakeCase(name), value]);
  return `${JSON.stringify(Object.fromEntries(entries))}\n`;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
