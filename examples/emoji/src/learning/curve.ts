import { type MetricsLine, median } from '@dpar/report';

/** The validation loss at one moment of a run. */
export interface CurvePoint {
  readonly step: number;
  /** Of training so far; validation, and compilation as far as it is more than a step, left out. */
  readonly seconds: number;
  /** 10^12 floating-point operations of training so far. */
  readonly teraFlop: number;
  /** Nats per token. */
  readonly loss: number;
}

/**
 * Points of a run at which the validation loss was measured.
 * @param flopPerStep Floating-point operations of a step.
 */
export function validationCurve(metrics: readonly MetricsLine[], flopPerStep: number): CurvePoint[] {
  const isUsual = (line: MetricsLine, i: number): boolean => line.graphs === (metrics[i - 1]?.graphs ?? 0);
  // A step that compiled a graph says nothing of the speed: it counts as the median of the others.
  const usual = median(metrics.filter(isUsual).map(({ seconds = Number.NaN }) => seconds));
  let total = 0;
  return metrics.flatMap((line, i) => {
    total += isUsual(line, i) ? (line.seconds ?? 0) : usual;
    const { step = 0, validation_loss: loss } = line;
    return loss === undefined ? [] : [{ step, seconds: total, teraFlop: (step * flopPerStep) / 1e12, loss }];
  });
}

/** Several runs of one model at the same steps. */
export interface SpreadPoint extends CurvePoint {
  /** Standard deviation of the loss over the runs, with n - 1. */
  readonly deviation: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Means and spread over runs, which were measured at the same steps. */
export function spread(curves: readonly (readonly CurvePoint[])[]): SpreadPoint[] {
  const [first = []] = curves;
  return first.map(({ step }, i) => {
    const points = curves.flatMap((curve) => curve[i] ?? []);
    const mean = (of: (point: CurvePoint) => number): number =>
      points.reduce((sum, point) => sum + of(point), 0) / points.length;
    const loss = mean((point) => point.loss);
    const squares = points.reduce((sum, point) => sum + (point.loss - loss) ** 2, 0);
    const losses = points.map((point) => point.loss);
    return {
      step,
      seconds: mean((point) => point.seconds),
      teraFlop: mean((point) => point.teraFlop),
      loss,
      deviation: Math.sqrt(squares / (points.length - 1)),
      lowest: Math.min(...losses),
      highest: Math.max(...losses),
    };
  });
}
