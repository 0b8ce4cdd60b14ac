import { formatSeconds } from '@dpar/report';
import type { WorkTime } from '../lab/work.js';
import type { Grid, TableResult } from './result.js';

/** Everything that was computed for some tables, each entry once, in order of first use. */
export function workOf(results: readonly TableResult[]): WorkTime[] {
  const byId = new Map(results.flatMap(({ work }) => work).map((entry) => [entry.id, entry]));
  return [...byId.values()];
}

/** `2 h 3 min, 3 h 50 min of processor time`. */
export function timeText(work: readonly WorkTime[]): string {
  const sum = (of: (entry: WorkTime) => number) => formatSeconds(work.reduce((total, entry) => total + of(entry), 0));
  return `${sum(({ seconds }) => seconds)}, ${sum(({ cpuSeconds }) => cpuSeconds)} of processor time`;
}

/** Time of a table, and the part of it that earlier tables share. */
export function tableTimeText(results: readonly TableResult[], index: number): string {
  const work = results[index]?.work ?? [];
  if (work.length === 0) return 'Arithmetic alone: no time to speak of.';
  const before = new Set(workOf(results.slice(0, index)).map(({ id }) => id));
  const shared = work.filter(({ id }) => before.has(id));
  const share = shared.length > 0 ? `; of this, shared with tables above: ${timeText(shared)}` : '';
  return `Time of what was computed for it, all sittings together: ${timeText(work)}${share}.`;
}

/** Every training run with its time. */
export function trainingTimes(results: readonly TableResult[]): Grid {
  return {
    caption:
      'Time of every training run, validation and checkpoints included; more than one sitting where it was interrupted',
    head: ['Run', 'steps', 'time', 'processor time', 'ms a step', 'sittings'],
    rows: workOf(results)
      .filter(({ id }) => id.startsWith('runs/'))
      .map(({ name, total, seconds, cpuSeconds, sittings }) => [
        name,
        total.toString(),
        formatSeconds(seconds),
        formatSeconds(cpuSeconds),
        ((1000 * seconds) / total).toFixed(0),
        sittings.toString(),
      ]),
  };
}
