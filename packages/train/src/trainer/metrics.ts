import type { KindsOf } from '@dpar/check';
import { checkArguments } from '../check-arguments.js';

/** Terms of the loss of a tokenizer in {@link StepMetrics}, unweighted, and the loss of its discriminator. */
export const tokenizerTerms = [
  'absolute',
  'squared',
  'codebook',
  'commitment',
  'entropy',
  'perceptual',
  'adversarial',
  'discriminator',
] as const;

/** Metrics of one training step. */
export interface StepMetrics {
  /** The step, counted from 1. */
  readonly step: number;
  /** Epoch of the step's first image, counted from 0. */
  readonly epoch: number;
  /**
   * Mean loss over the batch: nats per token; if only a boundary head is trained, its squared error in nats^2; of a tokenizer, the
   * weighted sum of its terms.
   */
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
  /** Of a tokenizer: mean absolute error of pixels in -1..1. */
  readonly absolute?: number;
  /** Of a tokenizer: mean squared error of pixels in -1..1. */
  readonly squared?: number;
  /** Of a tokenizer: mean squared distance of states from their codes, which moves codes. */
  readonly codebook?: number;
  /** Of a tokenizer: the same distance, which moves states. */
  readonly commitment?: number;
  /** Of a tokenizer: entropy of single choices of codes minus that of all choices, nats. */
  readonly entropy?: number;
  /** Of a tokenizer: distance of a perceptual network. */
  readonly perceptual?: number;
  /** Of a tokenizer: minus the mean score that its discriminator gives to decoded pictures. */
  readonly adversarial?: number;
  /** Factor of `adversarial` in the loss. */
  readonly adversarialWeight?: number;
  /** Hinge loss of the discriminator. */
  readonly discriminator?: number;
  /** Of a tokenizer: number of codes that were used in the last steps. */
  readonly codesInUse?: number;
  /** Of a tokenizer: number of codes that were moved because nothing used them. */
  readonly revivedCodes?: number;
  /** Of a tokenizer: peak signal-to-noise ratio over the validation pictures, in dB. */
  readonly validationPsnr?: number;
  /** Of a tokenizer: mean structural similarity over the validation pictures. */
  readonly validationSsim?: number;
  /** Of a tokenizer: number of codes that occur in the validation pictures. */
  readonly validationCodesInUse?: number;
  /** Of a tokenizer: Fréchet distance of the features of the validation pictures and of their reconstructions (rFID). */
  readonly validationFid?: number;
  /** Of a tokenizer: number of validation pictures that `validationFid` is of. */
  readonly validationImages?: number;
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
  'absolute?': 'number',
  'squared?': 'number',
  'codebook?': 'number',
  'commitment?': 'number',
  'entropy?': 'number',
  'perceptual?': 'number',
  'adversarial?': 'number',
  'adversarialWeight?': 'number',
  'discriminator?': 'number',
  'codesInUse?': 'number',
  'revivedCodes?': 'number',
  'validationPsnr?': 'number',
  'validationSsim?': 'number | NaN',
  'validationCodesInUse?': 'number',
  'validationFid?': 'number',
  'validationImages?': 'number',
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
