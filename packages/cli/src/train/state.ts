import { MovingMean } from '@dpar/report';
import type { StepMetrics } from '@dpar/train';
import { Course } from './sparkline.js';

/** State of a boundary head that is trained. */
export interface BoundaryState {
  /** Moving mean of its squared error, nats^2. */
  readonly loss: number;
  /** Its newest comparison with the entropies of the validation data. */
  readonly validation: { readonly loss: number; readonly correlation: number; readonly agreement: number } | undefined;
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
  /** Moving mean of the loss: nats per token; if only a boundary head is trained, nats^2. */
  readonly loss: number;
  /** Course of the mean loss since the start. */
  readonly course: readonly number[];
  readonly validation: { readonly last: number; readonly best: number; readonly bestStep: number } | undefined;
  /** Boundary head that is trained. */
  readonly boundary: BoundaryState | undefined;
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

/** Follows a run from step to step. */
export class TrainFollower {
  private metrics: StepMetrics | undefined;
  private readonly loss = new MovingMean(window);
  private readonly speed = new MovingMean(window);
  private readonly boundaryLoss = new MovingMean(window);
  private readonly course = new Course();
  private boundaryValidation: BoundaryState['validation'];
  private validation: TrainState['validation'];
  private readonly begun: number;
  activity: string | undefined;
  samples: string | undefined;
  end: TrainState['end'] = 'running';

  /**
   * @param start Number of steps of an earlier process.
   * @param now Clock in seconds.
   */
  constructor(
    private readonly run: Pick<TrainState, 'kind' | 'steps'>,
    private readonly start: number,
    private readonly now: () => number,
  ) {
    this.begun = now();
  }

  /** Adds the metrics of a step. */
  step(metrics: StepMetrics): void {
    this.metrics = metrics;
    this.course.add(this.loss.add(metrics.loss));
    this.speed.add(metrics.imagesPerSecond);
    if (metrics.boundaryLoss !== undefined) this.boundaryLoss.add(metrics.boundaryLoss);
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
      ...run,
      step,
      metrics,
      validation,
      boundary,
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
