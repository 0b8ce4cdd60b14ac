import { median } from '../curve.js';
import { formatSeconds, percent } from '../format.js';
import { type Html, html, table } from '../html.js';
import type { MetricsLine } from './metrics.js';
import type { TrainingRun } from './run.js';

/** A part of a run's time. */
export interface TimePart {
  readonly name: string;
  readonly seconds: number;
}

/**
 * Divides the time of a run into parts. The steps have the parts that the metrics name (such as `wait_seconds`), the extra time
 * for compiling a new graph, and the rest. The record has times besides the steps.
 */
export function timeParts({ metrics, record }: TrainingRun): TimePart[] {
  const named = [...new Set(metrics.flatMap((line) => Object.keys(line).filter((key) => key.endsWith('_seconds'))))];
  const restOf = (line: MetricsLine): number => named.reduce((rest, key) => rest - (line[key] ?? 0), line.seconds ?? 0);
  const rests = metrics.map(restOf);
  const compiles = metrics.map(({ graphs = 0 }, i) => graphs > (metrics[i - 1]?.graphs ?? 0));
  const usual = median(rests.filter((_, i) => !compiles[i])) || 0; // without other steps all time is compiling
  const compiling = sum(rests.map((seconds, i) => (compiles[i] ? Math.max(0, seconds - usual) : 0)));
  const rest = named.includes('optimizer_seconds') ? 'Forward and backward' : 'Training steps';
  const parts = [
    { name: 'Compiling', seconds: compiling },
    ...named.map((key) => ({ name: nameOf(key), seconds: sum(metrics.map((line) => line[key] ?? 0)) })),
    ...Object.entries(record?.seconds ?? {}).map(([name, seconds]) => ({ name: nameOf(name), seconds })),
  ];
  const sorted = parts.sort((a, b) => b.seconds - a.seconds);
  return [{ name: rest, seconds: sum(rests) - compiling }, ...sorted].filter(({ seconds }) => seconds > 0);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Formats `wait_seconds` as `Wait`. */
function nameOf(key: string): string {
  const words = key.replace(/_seconds$/, '').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Table of the parts of time for each run. */
export function timeSection(runs: readonly TrainingRun[]): Html {
  return html`<h2>Time</h2>
<div class="beside">${runs.map((run) => {
    const parts = timeParts(run);
    const total = sum(parts.map(({ seconds }) => seconds));
    const rows = parts.map(({ name, seconds }) => [name, formatSeconds(seconds), percent(seconds / total)]);
    return html`<div>${table([runs.length > 1 ? run.name : '', 'Time', 'Share'], [...rows, ['All', formatSeconds(total), '']])}</div>
`;
  })}</div>`;
}
