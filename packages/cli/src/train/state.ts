import { MovingMean } from '@dpar/report';
import { type StepMetrics, tokenizerTerms } from '@dpar/train';
import { Course } from './sparkline.js';

/** State of a boundary head that is trained. */
export interface BoundaryState {
  /** Moving mean of its squared error, nats^2. */
  readonly loss: number;
  /** Its newest comparison with the entropies of the validation data. */
  readonly validation: { readonly loss: number; readonly correlation: number; readonly agreement: number } | undefined;
}

/** Quality of the validation pictures that a tokenizer reproduces. */
export interface TokenizerValidationState {
  /** Peak signal-to-noise ratio, dB. */
  readonly psnr: number;
  /** Structural similarity; NaN for pictures that are too small. */
  readonly ssim: number;
  /** Codes that occur. */
  readonly codesInUse: number;
  /** rFID, if a feature network measures it. */
  readonly fid: number | undefined;
  /** Number of validation pictures that rFID is of. */
  readonly images: number | undefined;
}

/** State of a tokenizer that is trained. */
export interface TokenizerState {
  /** Moving means of the unweighted terms of the loss, by name. */
  readonly terms: readonly (readonly [name: string, mean: number])[];
  /** Codes that the last steps used, of all codes. */
  readonly codesInUse: number;
  readonly codebookSize: number;
  /** Codes that were moved since the start of this process. */
  readonly revivedCodes: number;
  /** Moving mean of the share of time that steps wait for pictures. */
  readonly waitShare: number;
  readonly validation: TokenizerValidationState | undefined;
}

/** State of a training run. */
export interface TrainState {
  /** Kind of the model. */
  readonly kind: string;
  /** Steps of the whole run. */
  readonly steps: number;
  /** Steps done. */
  readonly step: number;
  /** Metrics of the newest step; undefined before the first. */
  readonly metrics: StepMetrics | undefined;
  /** Moving mean of the loss: nats per token; if only a boundary head is trained, nats^2; of a tokenizer, the sum of its terms. */
  readonly loss: number;
  /** Course of the mean loss since the start. */
  readonly course: readonly number[];
  readonly validation: { readonly last: number; readonly best: number; readonly bestStep: number } | undefined;
  /** Boundary head that is trained. */
  readonly boundary: BoundaryState | undefined;
  /** Tokenizer that is trained. */
  readonly tokenizer: TokenizerState | undefined;
  /** Moving mean of the speed. */
  readonly imagesPerSecond: number;
  /** Seconds since the start of this process. */
  readonly elapsed: number;
  /** Seconds until the last step at the mean speed; undefined before the first step. */
  readonly left: number | undefined;
  /** Current work other than a step, such as `drawing samples`. */
  readonly activity: string | undefined;
  /** Path of the newest grid of samples. */
  readonly samples: string | undefined;
  readonly end: 'running' | 'done' | 'interrupted' | 'failed';
}

/** Number of steps in moving means. */
const window = 20;

/** Follows the figures of a tokenizer from step to step. */
class TokenizerFollower {
  private readonly means = new Map<string, MovingMean>();
  private readonly wait = new MovingMean(window);
  private codesInUse = 0;
  private revivedCodes = 0;
  private validation: TokenizerState['validation'];

  constructor(private readonly codebookSize: number) {}

  step(metrics: StepMetrics): void {
    for (const name of tokenizerTerms) {
      const value = metrics[name];
      if (value === undefined) continue;
      const mean = this.means.get(name) ?? new MovingMean(window);
      mean.add(value);
      this.means.set(name, mean);
    }
    this.wait.add(metrics.waitSeconds / metrics.seconds);
    this.codesInUse = metrics.codesInUse ?? this.codesInUse;
    this.revivedCodes += metrics.revivedCodes ?? 0;
    this.validation = validationOfTokenizer(metrics) ?? this.validation;
  }

  get state(): TokenizerState {
    const { means, wait, codesInUse, revivedCodes, codebookSize, validation } = this;
    const terms = [...means].map(([name, { mean }]) => [name, mean] as const);
    return { terms, codesInUse, revivedCodes, codebookSize, waitShare: wait.mean, validation };
  }
}

/** A run to follow. */
export interface FollowedRun extends Pick<TrainState, 'kind' | 'steps'> {
  /** Codes of a tokenizer, K. */
  readonly codebookSize?: number | undefined;
}

/** Follows a run from step to step. */
export class TrainFollower {
  private metrics: StepMetrics | undefined;
  private readonly loss = new MovingMean(window);
  private readonly speed = new MovingMean(window);
  private readonly boundaryLoss = new MovingMean(window);
  private readonly course = new Course();
  private boundaryValidation: BoundaryState['validation'];
  private validation: TrainState['validation'];
  private readonly tokenizer: TokenizerFollower | undefined;
  private readonly begun: number;
  activity: string | undefined;
  samples: string | undefined;
  end: TrainState['end'] = 'running';

  /**
   * @param start Number of steps of an earlier process.
   * @param now Clock in seconds.
   */
  constructor(
    private readonly run: FollowedRun,
    private readonly start: number,
    private readonly now: () => number,
  ) {
    this.begun = now();
    if (run.codebookSize !== undefined) this.tokenizer = new TokenizerFollower(run.codebookSize);
  }

  /** Adds the metrics of a step. */
  step(metrics: StepMetrics): void {
    this.metrics = metrics;
    this.course.add(this.loss.add(metrics.loss));
    this.speed.add(metrics.imagesPerSecond);
    if (metrics.boundaryLoss !== undefined) this.boundaryLoss.add(metrics.boundaryLoss);
    this.tokenizer?.step(metrics);
    this.boundaryValidation = validationOfHead(metrics) ?? this.boundaryValidation;
    const { step, validationLoss: last } = metrics;
    if (last === undefined) return;
    const { best, bestStep } = this.validation ?? { best: Number.POSITIVE_INFINITY, bestStep: step };
    this.validation = last < best ? { last, best: last, bestStep: step } : { last, best, bestStep };
  }

  get state(): TrainState {
    const { run, start, metrics, validation, activity, samples, end } = this;
    const step = metrics?.step ?? start;
    const elapsed = this.now() - this.begun;
    const boundary =
      metrics?.boundaryLoss === undefined
        ? undefined
        : { loss: this.boundaryLoss.mean, validation: this.boundaryValidation };
    const left = step > start ? ((run.steps - step) * elapsed) / (step - start) : undefined;
    return {
      kind: run.kind,
      steps: run.steps,
      step,
      metrics,
      validation,
      boundary,
      tokenizer: metrics && this.tokenizer?.state,
      elapsed,
      left,
      activity,
      samples,
      end,
      loss: this.loss.mean,
      course: this.course.values,
      imagesPerSecond: this.speed.mean,
    };
  }
}

/** Comparison of a boundary head with the validation data; `undefined` if it was not made after this step. */
export function validationOfHead(metrics: StepMetrics): BoundaryState['validation'] {
  const {
    validationBoundaryLoss: loss,
    validationBoundaryCorrelation: correlation = Number.NaN,
    validationBoundaryAgreement: agreement = Number.NaN,
  } = metrics;
  return loss === undefined ? undefined : { loss, correlation, agreement };
}

/** Figures of the validation of a tokenizer; `undefined` if it was not measured after this step. */
export function validationOfTokenizer(metrics: StepMetrics): TokenizerValidationState | undefined {
  const {
    validationPsnr: psnr,
    validationSsim: ssim = Number.NaN,
    validationCodesInUse: codesInUse = 0,
    validationFid: fid,
    validationImages: images,
  } = metrics;
  return psnr === undefined ? undefined : { psnr, ssim, codesInUse, fid, images };
}
