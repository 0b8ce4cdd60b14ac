import { type CurvePoint, spreadOf } from '@dpar/example-kit';
import { type Html, html, legend, lineChart, page, type Series, table } from '@dpar/report';
import { type Kind, kinds, seeds } from './settings.js';

/** Colours of the models. */
const style = `
:root { --dpar: #c2410c; --llamagen: #1d4ed8; }
@media (prefers-color-scheme: dark) { :root { --dpar: #fb923c; --llamagen: #7aa7ff; } }
.dpar { stroke: var(--dpar); } .llamagen { stroke: var(--llamagen); }
svg .training { stroke-width: 1.2; stroke-dasharray: 4 3; }
`;

/** Runs of one kind of model at one step. */
export interface SpreadPoint extends CurvePoint {
  /** Standard deviation of the loss over the runs, with n - 1. */
  readonly deviation: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Means and spread over runs whose losses were measured at the same steps. */
export function spreadCurve(curves: readonly (readonly CurvePoint[])[]): SpreadPoint[] {
  const [first = []] = curves;
  return first.map(({ step }, i) => {
    const over = (of: (point: CurvePoint) => number) =>
      spreadOf(curves.flatMap((curve) => curve.slice(i, i + 1)).map(of));
    const { mean: loss, deviation, values } = over((point) => point.loss);
    return {
      step,
      seconds: over((point) => point.seconds).mean,
      teraFlop: over((point) => point.teraFlop).mean,
      loss,
      deviation,
      lowest: Math.min(...values),
      highest: Math.max(...values),
    };
  });
}

/** Figures of the runs of one kind of model. */
export interface LearningResult {
  readonly parameters: number;
  readonly gigaFlopPerImage: number;
  /** Median seconds of a step over all runs. */
  readonly stepSeconds: number;
  readonly points: readonly SpreadPoint[];
}

/** All figures, with machine and engine. */
export interface LearningResults {
  readonly machine: string;
  readonly engine: string;
  readonly command: string;
  readonly models: Readonly<Record<Kind, LearningResult>>;
}

const names: Readonly<Record<Kind, string>> = { dpar: 'DPAR', llamagen: 'LlamaGen' };

/** Page with the validation loss against steps, operations and time, its spread over seeds, and the verdict. */
export function learningPage({ machine, engine, command, models }: LearningResults): string {
  const rows = kinds.map((kind) => {
    const { parameters, gigaFlopPerImage, stepSeconds, points } = models[kind];
    const last = points.at(-1);
    return [
      names[kind],
      `${(parameters / 1e6).toFixed(2)} M`,
      gigaFlopPerImage.toFixed(2),
      (1000 * stepSeconds).toFixed(0),
      last ? `${last.loss.toFixed(3)} ± ${last.deviation.toFixed(3)}` : '',
      last ? `${last.lowest.toFixed(3)} to ${last.highest.toFixed(3)}` : '',
    ];
  });
  const body = html`<p>${verdict(models)}</p>
${table(['', 'parameters', 'GFLOP an image, training', 'ms a step', 'validation loss, nats per token', 'range'], rows)}
${legend(kinds.map((kind) => ({ name: `${names[kind]}, mean of ${seeds.length} seeds; dashed: lowest and highest`, style: kind })))}
<div class="charts">
${chart(models, 'Against steps', 'steps', (point) => point.step)}
${chart(models, 'Against operations', 'TFLOP', (point) => point.teraFlop)}
${chart(models, 'Against time', 'seconds', (point) => point.seconds)}
</div>
<p>${command}. ${machine}; ${engine}. The two models took turns.</p>`;
  return page({ title: 'Learning curves of DPAR and LlamaGen', body, style });
}

function chart(
  models: LearningResults['models'],
  title: string,
  xLabel: string,
  x: (point: SpreadPoint) => number,
): Html {
  const line = (kind: Kind, name: string, style: string, y: (point: SpreadPoint) => number): Series => ({
    name,
    style,
    points: models[kind].points.map((point) => [x(point), y(point)] as const),
  });
  const series = kinds.flatMap((kind) => [
    line(kind, `${names[kind]}, lowest`, `${kind} training`, ({ lowest }) => lowest),
    line(kind, `${names[kind]}, highest`, `${kind} training`, ({ highest }) => highest),
    line(kind, names[kind], kind, ({ loss }) => loss),
  ]);
  // The first points are much higher than the rest and would compress it.
  const fitFrom = Math.min(
    ...kinds.map((kind) => x(models[kind].points[2] ?? (models[kind].points[0] as SpreadPoint))),
  );
  return lineChart({ title, xLabel, yLabel: 'validation loss, nats per token', series, fitFrom });
}

/** Compares the loss at this scale with the paper's claim of better images at less compute. */
export function verdict({ dpar, llamagen }: LearningResults['models']): string {
  const [ours, theirs] = [dpar.points.at(-1), llamagen.points.at(-1)];
  if (ours === undefined || theirs === undefined) return 'No run has finished.';
  const difference = ours.loss - theirs.loss;
  // Two standard errors of the difference of the means.
  const error = 2 * Math.sqrt((ours.deviation ** 2 + theirs.deviation ** 2) / seeds.length);
  const flop = (100 * (1 - dpar.gigaFlopPerImage / llamagen.gigaFlopPerImage)).toFixed(0);
  const size = `${Math.abs(difference).toFixed(3)} nats per token (two standard errors: ${error.toFixed(3)})`;
  const cost = `at ${flop} % fewer operations (the entropy model, which reads the images once, is not included) and ${(dpar.stepSeconds / llamagen.stepSeconds).toFixed(2)} times the time of a step`;
  if (Math.abs(difference) <= error)
    return `DPAR's loss equals LlamaGen's within the spread, ${cost}: it differs by ${size}.`;
  return difference < 0
    ? `DPAR's loss is lower than LlamaGen's by ${size}, ${cost}: the paper's claim shows at this scale.`
    : `DPAR's loss is higher than LlamaGen's by ${size}, ${cost}: the paper's claim of better results at less compute does not show in the loss at this scale and the same number of steps.`;
}
