import { formatSeconds, percent } from '../format.js';
import { type Html, html, table } from '../html.js';
import type { TrainingRun } from './run.js';
import { median } from './summary.js';

/** A part of a run's time. */
export interface TimePart {
  readonly name: string;
  readonly seconds: number;
}

/**
 * Where the time of a run went: the steps, what they took longer because a new graph was compiled, and what else the
 * metrics (under names that end in `_seconds`) and the record have.
 */
export function timeParts({ metrics, record }: TrainingRun): TimePart[] {
  const compiles = metrics.map(({ graphs = 0 }, i) => graphs > (metrics[i - 1]?.graphs ?? 0));
  // Waiting for data is part of a step, but has a name of its own.
  const secondsAt = (i: number): number => (metrics[i]?.seconds ?? 0) - (metrics[i]?.wait_seconds ?? 0);
  const usual = median([...metrics.keys()].filter((i) => !compiles[i]).map(secondsAt)) ?? 0;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const compiling = sum(compiles.map((does, i) => (does ? Math.max(0, secondsAt(i) - usual) : 0)));
  const others = new Set(metrics.flatMap((line) => Object.keys(line).filter((key) => key.endsWith('_seconds'))));
  const steps = { name: 'Training steps', seconds: sum(metrics.map((_, i) => secondsAt(i))) - compiling };
  const beside = [
    { name: 'Compiling', seconds: compiling },
    ...[...others].map((key) => ({ name: nameOf(key), seconds: sum(metrics.map((line) => line[key] ?? 0)) })),
    ...Object.entries(record?.seconds ?? {})
      .filter(([name]) => !others.has(`${name}_seconds`))
      .map(([name, seconds]) => ({ name: nameOf(name), seconds })),
  ];
  return [steps, ...beside.sort((a, b) => b.seconds - a.seconds)].filter(({ seconds }) => seconds > 0);
}

/** `validation_seconds` as `Validation` */
function nameOf(key: string): string {
  const words = key.replace(/_seconds$/, '').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Where the time went, a table for each run. */
export function timeSection(runs: readonly TrainingRun[]): Html {
  return html`<h2>Time</h2>
<div class="beside">${runs.map((run) => {
    const parts = timeParts(run);
    const total = parts.reduce((sum, { seconds }) => sum + seconds, 0);
    const rows = parts.map(({ name, seconds }) => [name, formatSeconds(seconds), percent(seconds / total)]);
    return html`<div>${table([runs.length > 1 ? run.name : '', 'Time', 'Share'], [...rows, ['All', formatSeconds(total), '']])}</div>
`;
  })}</div>`;
}
