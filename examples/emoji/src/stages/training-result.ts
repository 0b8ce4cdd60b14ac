import { type CurvePoint, medianStepSeconds, trainingCurve, validationCurve } from '@dpar/example-kit';
import { countParameters, type ImageArchitecture } from '@dpar/nn';
import type { MetricsLine } from '@dpar/report';
import type { StepMetrics } from '@dpar/train';

/** Figures of one training run. */
export interface TrainingResult {
  readonly parameterCount: number;
  /** Floating-point operations of one training step for one image, forward and backward. */
  readonly flopPerImage: number;
  /** Median time of a training step in seconds. */
  readonly stepSeconds: number;
  /** Training time with compilation and without validation. */
  readonly trainingSeconds: number;
  /** Means over stretches of the run. */
  readonly training: readonly CurvePoint[];
  readonly validation: readonly CurvePoint[];
  /** Nats per token over the validation images, after the last step. */
  readonly validationLoss: number;
  /** Number of compiled graphs. */
  readonly graphs: number;
}

/** Points of a training curve. */
const curvePoints = 60;

/** Figures of a run. @param steps Metrics of all its steps. */
export function resultOf(
  { kind, config }: ImageArchitecture,
  forwardMacs: number,
  batchSize: number,
  steps: readonly StepMetrics[],
): TrainingResult {
  const metrics = steps.map(({ step, loss, seconds, graphs, validationLoss }): MetricsLine => {
    const line = { step, loss, seconds, graphs };
    return validationLoss === undefined ? line : { ...line, validation_loss: validationLoss };
  });
  // Two operations for each multiply-accumulate; a backward pass costs twice as much as a forward pass.
  const flopPerImage = 6 * forwardMacs;
  const flopPerStep = flopPerImage * batchSize;
  const validation = validationCurve(metrics, flopPerStep);
  return {
    parameterCount: countParameters(kind.specs(config)),
    flopPerImage,
    stepSeconds: medianStepSeconds(metrics),
    trainingSeconds: steps.reduce((sum, { seconds }) => sum + seconds, 0),
    training: trainingCurve(metrics, flopPerStep, curvePoints),
    validation,
    validationLoss: validation.at(-1)?.loss ?? Number.NaN,
    graphs: steps.at(-1)?.graphs ?? 0,
  };
}
