import { type MetricsLine, median } from '@dpar/report';

/** Loss at one step of a run. */
export interface CurvePoint {
  readonly step: number;
  /** Training time so far, without validation. A step that compiled a graph counts as the median of the other steps. */
  readonly seconds: number;
  /** 10^12 floating-point operations of training so far. */
  readonly teraFlop: number;
  /** Nats per token. */
  readonly loss: number;
}

/** Median seconds of the steps that compiled no graph. */
export function medianStepSeconds(metrics: readonly MetricsLine[]): number {
  return median(metrics.filter(isUsual).map(({ seconds = Number.NaN }) => seconds));
}

/** Curve of the validation loss. @param flopPerStep Floating-point operations of a step. */
export function validationCurve(metrics: readonly MetricsLine[], flopPerStep: number): CurvePoint[] {
  const pointAt = pointsOf(metrics, flopPerStep);
  return metrics.flatMap(({ validation_loss: loss }, i) => (loss === undefined ? [] : [pointAt(i, loss)]));
}

function isUsual({ graphs }: MetricsLine, i: number, metrics: readonly MetricsLine[]): boolean {
  return graphs === (metrics[i - 1]?.graphs ?? 0);
}

/** Makes the point of a line of the metrics. */
function pointsOf(metrics: readonly MetricsLine[], flopPerStep: number): (i: number, loss: number) => CurvePoint {
  const usual = medianStepSeconds(metrics);
  let total = 0;
  const seconds = metrics.map((line, i) => {
    total += isUsual(line, i, metrics) ? (line.seconds ?? 0) : usual;
    return total;
  });
  return (i, loss) => {
    const step = metrics[i]?.step ?? 0;
    return { step, seconds: seconds[i] ?? 0, teraFlop: (step * flopPerStep) / 1e12, loss };
  };
}
