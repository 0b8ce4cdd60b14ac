import type { KindsOf } from '@dpar/check';
import { checkArguments } from '../check-arguments.js';

/** Metrics of one training step. */
export interface StepMetrics {
  /** The step, counted from 1. */
  readonly step: number;
  /** Epoch of the step's first image, counted from 0. */
  readonly epoch: number;
  /** Mean loss over the batch, nats per token; if only a boundary head is trained, its squared error in nats^2. */
  readonly loss: number;
  /** Mean squared error of a boundary head that is trained, over the batch, nats^2. */
  readonly boundaryLoss?: number;
  /** Global norm before clipping, without the boundary head unless only that is trained. */
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
  /** `loss` over the validation data, if it was measured after this step. */
  readonly validationLoss?: number;
  /** Mean squared error of a boundary head that is trained, over the validation data, nats^2. */
  readonly validationBoundaryLoss?: number;
  /** Pearson's correlation of its entropies with the given ones, over the validation data. */
  readonly validationBoundaryCorrelation?: number;
  /** Share of the tokens that start a patch by both or by neither, where patches are equally long on average. */
  readonly validationBoundaryAgreement?: number;
}

const stepMetricsKinds: KindsOf<StepMetrics> = {
  step: 'number',
  epoch: 'number',
  loss: 'number',
  'boundaryLoss?': 'number',
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
  'validationBoundaryLoss?': 'number',
  'validationBoundaryCorrelation?': 'number | NaN',
  'validationBoundaryAgreement?': 'number',
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
