import { type Chart, legend, lineChart, type Series } from '../chart.js';
import { type Point, smooth, thin } from '../curve.js';
import { type Html, html } from '../html.js';
import { lastBeforeFailure, lossUnit, type TrainingRun, trainsOnlyHead } from './run.js';

/** A metric to draw. */
interface Curve {
  readonly key: string;
  readonly title: string;
  readonly yLabel: string;
  /** True for a metric that is smoothed. */
  readonly noisy?: boolean;
  /** True for a metric that is not measured at every step. */
  readonly rare?: boolean;
  /** Trivial value. A curve of only this value is not drawn. */
  readonly void?: number;
}

const squaredNats = 'Squared nats';

/** Metrics that are the loss of a run that only trains a boundary head. */
const errors: readonly string[] = ['boundary_loss', 'validation_boundary_loss'];

const curves: readonly Curve[] = [
  { key: 'loss', title: 'Training loss', yLabel: 'Loss', noisy: true },
  { key: 'validation_loss', title: 'Validation loss', yLabel: 'Loss', rare: true },
  { key: 'boundary_loss', title: 'Error of the boundary head', yLabel: squaredNats, noisy: true },
  { key: 'validation_boundary_loss', title: 'Validation error of the boundary head', yLabel: squaredNats, rare: true },
  {
    key: 'validation_boundary_correlation',
    title: 'Correlation of the entropies of the boundary head',
    yLabel: 'Correlation',
    rare: true,
  },
  {
    key: 'validation_boundary_agreement',
    title: 'Agreement of the boundary head',
    yLabel: 'Share of tokens',
    rare: true,
  },
  { key: 'validation_psnr', title: 'PSNR of validation pictures', yLabel: 'dB', rare: true },
  { key: 'validation_ssim', title: 'SSIM of validation pictures', yLabel: 'Structural similarity', rare: true },
  { key: 'validation_fid', title: 'rFID of validation pictures', yLabel: 'Fréchet distance', rare: true },
  { key: 'absolute', title: 'Absolute error', yLabel: 'Mean, pixels in -1..1', noisy: true },
  { key: 'squared', title: 'Squared error', yLabel: 'Mean, pixels in -1..1', noisy: true },
  // Both terms are the same distance. They differ in what they move.
  { key: 'codebook', title: 'Codebook and commitment terms', yLabel: 'Mean squared distance', noisy: true },
  { key: 'entropy', title: 'Entropy term', yLabel: 'Nats', noisy: true },
  { key: 'perceptual', title: 'Perceptual term', yLabel: 'Distance', noisy: true },
  { key: 'adversarial', title: 'Adversarial term', yLabel: 'Negative mean score', noisy: true },
  { key: 'adversarial_weight', title: 'Weight of the adversarial term', yLabel: 'Factor', noisy: true },
  { key: 'discriminator', title: 'Loss of the discriminator', yLabel: 'Hinge loss', noisy: true },
  { key: 'codes_in_use', title: 'Codes in use, last steps', yLabel: 'Codes', noisy: true },
  { key: 'validation_codes_in_use', title: 'Codes in use, validation pictures', yLabel: 'Codes', rare: true },
  { key: 'revived_codes', title: 'Revived codes', yLabel: 'Codes per step', noisy: true, void: 0 },
  { key: 'learning_rate', title: 'Learning rate', yLabel: 'Learning rate' },
  { key: 'gradient_norm', title: 'Gradient norm, before clipping', yLabel: 'Norm', noisy: true },
  { key: 'images_per_second', title: 'Speed', yLabel: 'Images per second', noisy: true },
  { key: 'mean_patch_length', title: 'Patches', yLabel: 'Tokens per patch', noisy: true, void: 1 },
  { key: 'padding_share', title: 'Padding', yLabel: 'Share of patches', noisy: true, void: 0 },
];

/** Parts of the x axis; see {@link thin}. */
const parts = 250;

/** First share of a run that the y axis ignores, because its steep fall would flatten the rest. */
const start = 0.05;

/** Charts of one or several runs against steps and against time, with a switch. */
export function curvesSection(runs: readonly TrainingRun[]): Html {
  const shown = curves.filter((curve) => runs.some((run) => isWorthDrawing(run, curve)));
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

/** Checks that a run has a metric with other than trivial values. */
function isWorthDrawing(run: TrainingRun, { key, void: nothing }: Curve): boolean {
  if (trainsOnlyHead(run) && errors.includes(key)) return false;
  return run.metrics.some((line) => line[key] !== undefined && line[key] !== nothing);
}

/** CSS class of a run's colour. There are eight, which repeat. */
export const styleOf = (index: number): string => `run-${(index % 8) + 1}`;

function keyOf(runs: readonly TrainingRun[]): { name: string; style: string }[] {
  if (runs.length > 1) return runs.map(({ name }, i) => ({ name, style: styleOf(i) }));
  const validated = runs.some(({ metrics }) => metrics.some((line) => line.validation_loss !== undefined));
  const entries = [
    { name: 'smoothed', style: styleOf(0) },
    { name: 'each step', style: 'raw' },
  ];
  if (validated) entries.push({ name: 'validation', style: 'validation' });
  return entries;
}

/** Unit of the loss of several runs, as a label; `Loss` where they differ. */
function unitOf(runs: readonly TrainingRun[]): string {
  const [unit = '', ...others] = new Set(runs.map(lossUnit));
  return others.length > 0 ? 'Loss' : unit.charAt(0).toUpperCase() + unit.slice(1);
}

function chartOf(
  curve: Curve,
  runs: readonly TrainingRun[],
  xLabel: string,
  xOf: (run: TrainingRun) => readonly number[],
): Html {
  const { key, title } = curve;
  const isLoss = key === 'loss' || key === 'validation_loss';
  const yLabel = isLoss ? unitOf(runs) : curve.yLabel;
  const axes = runs.map(xOf);
  const alone = runs.length === 1;
  const series = runs.flatMap((run, i) => seriesOf(curve, run, axes[i] ?? [], alone ? undefined : styleOf(i)));
  // Validation and training of one run share a chart, which shows overfitting.
  if (alone && key === 'loss' && runs[0]) {
    const validation = curves.filter((other) => other.key === 'validation_loss');
    series.push(...validation.flatMap((other) => seriesOf(other, runs[0] as TrainingRun, axes[0] ?? [], undefined)));
  }
  const longest = Math.max(0, ...axes.map((axis) => axis.at(-1) ?? 0));
  const chart: Chart = { title, xLabel, yLabel, series, marks: marksOf(runs, axes), fitFrom: start * longest };
  return lineChart(chart);
}

/** @param style CSS class. Undefined for a report of one run, where each kind of line has its own class. */
function seriesOf(curve: Curve, run: TrainingRun, xs: readonly number[], style: string | undefined): Series[] {
  const { key, noisy = false, rare = false } = curve;
  const { name, metrics } = run;
  const points = metrics.flatMap((line, i): Point[] => (line[key] === undefined ? [] : [[xs[i] ?? 0, line[key]]]));
  if (points.length === 0) return [];
  if (rare) return [{ name: `${name}, ${key}`, style: style ?? 'validation', points, dots: points.length <= 60 }];
  if (!noisy) return [{ name: `${name}, ${key}`, style: style ?? styleOf(0), points: thin(points, parts) }];
  const smoothed = {
    name: `${name}, ${key}, smoothed`,
    style: style ?? styleOf(0),
    points: thin(smooth(points, smoothingWindow(points.length)), parts),
  };
  if (style !== undefined) return [smoothed];
  return [{ name: `${key}, each step`, style: 'raw', points: thin(points, parts) }, smoothed];
}

/** Window of smoothing in steps: 2 % of the run, at least 5. */
export const smoothingWindow = (steps: number): number => Math.max(5, steps / 50);

/** Vertical lines at the failures of runs. */
function marksOf(runs: readonly TrainingRun[], axes: readonly (readonly number[])[]): { x: number; name: string }[] {
  return runs.flatMap((run, i) => {
    const step = lastBeforeFailure(run);
    return step === undefined ? [] : [{ x: axes[i]?.at(-1) ?? 0, name: `${run.name} failed after step ${step}` }];
  });
}

const stepsOf = ({ metrics }: TrainingRun): number[] => metrics.map(({ step }) => step as number);

/** Total time of training steps up to each line, in seconds. */
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
