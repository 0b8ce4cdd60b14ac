import { type Chart, legend, lineChart, type Series } from '../chart.js';
import { type Point, smooth, thin } from '../curve.js';
import { type Html, html } from '../html.js';
import { lastBeforeFailure, type TrainingRun } from './run.js';

/** A metric that is drawn. */
interface Curve {
  readonly key: string;
  readonly title: string;
  readonly yLabel: string;
  /** Whether it jumps from step to step, so that a smoothed line says more. */
  readonly noisy?: boolean;
  /** Whether it is measured now and then. */
  readonly rare?: boolean;
  /** The value that says nothing: a run of nothing else has no such curve. */
  readonly void?: number;
}

const curves: readonly Curve[] = [
  { key: 'loss', title: 'Training loss', yLabel: 'Nats per token', noisy: true },
  { key: 'validation_loss', title: 'Validation loss', yLabel: 'Nats per token', rare: true },
  { key: 'learning_rate', title: 'Learning rate', yLabel: 'Learning rate' },
  { key: 'gradient_norm', title: 'Gradient norm, before clipping', yLabel: 'Norm', noisy: true },
  { key: 'images_per_second', title: 'Speed', yLabel: 'Images per second', noisy: true },
  { key: 'mean_patch_length', title: 'Patches', yLabel: 'Tokens per patch', noisy: true, void: 1 },
  { key: 'padding_share', title: 'Padding', yLabel: 'Share of patches', noisy: true, void: 0 },
];

/** Equal parts of the x axis that keep their extremes, see {@link thin}. */
const parts = 250;

/** The first share of a run, whose steep fall would flatten all that follows, does not decide on the y axis. */
const start = 0.05;

/** The charts of one run or several, against steps and against time; a switch shows one or the other. */
export function curvesSection(runs: readonly TrainingRun[]): Html {
  const shown = curves.filter((curve) => runs.some((run) => tells(run, curve)));
  if (shown.length === 0) return html`<h2>Curves</h2><p>No step is done yet.</p>`;
  const time = timeAxis(runs);
  return html`<h2>Curves</h2>
${legend(keyOf(runs))}
<div class="switch"><input type="radio" name="axis" id="by-step" checked><label for="by-step">Steps</label>
<input type="radio" name="axis" id="by-time"><label for="by-time">Time</label>
<div class="charts by-step">${shown.map((curve) => chartOf(curve, runs, 'Steps', stepsOf))}</div>
<div class="charts by-time">${shown.map((curve) => chartOf(curve, runs, time.label, time.of))}</div>
</div>`;
}

/** Whether a run has a metric that says something. */
function tells({ metrics }: TrainingRun, { key, void: nothing }: Curve): boolean {
  return metrics.some((line) => line[key] !== undefined && line[key] !== nothing);
}

/** CSS class of a run's colour: they come again after the eighth. */
export const styleOf = (index: number): string => `run-${(index % 8) + 1}`;

function keyOf(runs: readonly TrainingRun[]): { name: string; style: string }[] {
  if (runs.length > 1) return runs.map(({ name }, i) => ({ name, style: styleOf(i) }));
  const validated = runs.some(({ metrics }) => metrics.some((line) => line.validation_loss !== undefined));
  return [
    { name: 'smoothed', style: styleOf(0) },
    { name: 'each step', style: 'raw' },
    ...(validated ? [{ name: 'validation', style: 'validation' }] : []),
  ];
}

function chartOf(
  curve: Curve,
  runs: readonly TrainingRun[],
  xLabel: string,
  xOf: (run: TrainingRun) => readonly number[],
): Html {
  const { key, title, yLabel } = curve;
  const axes = runs.map(xOf);
  const alone = runs.length === 1;
  const series = runs.flatMap((run, i) => seriesOf(curve, run, axes[i] ?? [], alone ? undefined : styleOf(i)));
  // One run's validation belongs beside its training: where they part, it overfits.
  if (alone && key === 'loss' && runs[0]) {
    const validation = curves.filter((other) => other.key === 'validation_loss');
    series.push(...validation.flatMap((other) => seriesOf(other, runs[0] as TrainingRun, axes[0] ?? [], undefined)));
  }
  const longest = Math.max(0, ...axes.map((axis) => axis.at(-1) ?? 0));
  const chart: Chart = { title, xLabel, yLabel, series, marks: marksOf(runs, axes), fitFrom: start * longest };
  return lineChart(chart);
}

/** @param style CSS class; in a report of one run each kind of line has one of its own. */
function seriesOf(curve: Curve, run: TrainingRun, xs: readonly number[], style: string | undefined): Series[] {
  const { key, noisy = false, rare = false } = curve;
  const { name, metrics } = run;
  const points = metrics.flatMap((line, i): Point[] => (line[key] === undefined ? [] : [[xs[i] ?? 0, line[key]]]));
  if (points.length === 0) return [];
  if (rare) return [{ name: `${name}, ${key}`, style: style ?? 'validation', points, dots: points.length <= 60 }];
  if (!noisy) return [{ name: `${name}, ${key}`, style: style ?? styleOf(0), points: thin(points, parts) }];
  const smoothed = thin(smooth(points, smoothingWindow(points.length)), parts);
  return [
    ...(style === undefined ? [{ name: `${key}, each step`, style: 'raw', points: thin(points, parts) }] : []),
    { name: `${name}, ${key}, smoothed`, style: style ?? styleOf(0), points: smoothed },
  ];
}

/** Values that a smoothed point is the mean of: 2 % of the run, at least 5. */
export const smoothingWindow = (steps: number): number => Math.max(5, steps / 50);

/** Upright lines where runs failed. */
function marksOf(runs: readonly TrainingRun[], axes: readonly (readonly number[])[]): { x: number; name: string }[] {
  return runs.flatMap((run, i) => {
    const step = lastBeforeFailure(run);
    return step === undefined ? [] : [{ x: axes[i]?.at(-1) ?? 0, name: `${run.name} failed after step ${step}` }];
  });
}

const stepsOf = ({ metrics }: TrainingRun): number[] => metrics.map(({ step }) => step as number);

/** Time spent in training steps up to each line, seconds. */
export function secondsOf({ metrics }: TrainingRun): number[] {
  let sum = 0;
  return metrics.map(({ seconds = 0 }) => {
    sum += seconds;
    return sum;
  });
}

function timeAxis(runs: readonly TrainingRun[]): { label: string; of: (run: TrainingRun) => number[] } {
  const longest = Math.max(0, ...runs.map((run) => secondsOf(run).at(-1) ?? 0));
  const [unit, size] = longest < 300 ? ['Seconds', 1] : longest < 3 * 3600 ? ['Minutes', 60] : ['Hours', 3600];
  return { label: `${unit} of training`, of: (run) => secondsOf(run).map((seconds) => seconds / (size as number)) };
}
