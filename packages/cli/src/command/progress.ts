import type { Writable } from 'node:stream';
import { formatSeconds } from '@dpar/report';
import { SingleBar } from 'cli-progress';

/** Stream of a terminal. */
export interface Terminal extends Writable {
  readonly isTTY: true;
  /** Current width in characters. */
  readonly columns?: number;
  hasColors?(): boolean;
}

/** True for a terminal that knows its size and can move its cursor, so that text can be replaced. */
export function isTerminal(stream: Writable): stream is Terminal {
  const { isTTY = false, columns, rows } = stream as Writable & { isTTY?: boolean; columns?: number; rows?: number };
  return isTTY && columns !== 0 && rows !== 0 && process.env.TERM !== 'dumb';
}

/** True if a terminal shows colours and NO_COLOR is not set (https://no-color.org). */
export function showsColors(terminal: Terminal): boolean {
  return !process.env.NO_COLOR && (terminal.hasColors?.() ?? true);
}

/** Display of the progress of some work. */
export interface Progress {
  /**
   * @param done Number of finished items; fractions count for the rate and the remaining time.
   * @param note Further figures, such as a loss.
   */
  update(done: number, note?: string): void;
  /** Ends the display. */
  stop(): void;
}

/** Options of {@link createProgress}. */
export interface ProgressOptions {
  /** Name of the work. */
  readonly label: string;
  /** Name of the items, in the plural. */
  readonly unit: string;
  readonly total: number;
  /** Number of items that were finished before; they do not count for the rate. */
  readonly start?: number;
}

/** A display that shows nothing. */
export const silent: Progress = { update: () => {}, stop: () => {} };

/** Shows a bar with rate and remaining time on a terminal; elsewhere a line every few seconds and at the end. */
export function createProgress(stream: Writable, options: ProgressOptions): Progress {
  return isTerminal(stream) ? bar(stream, options) : lines(stream, options);
}

/** Time between two lines, in milliseconds. */
const lineInterval = 5000;

function lines(stream: Writable, options: ProgressOptions): Progress {
  const { label } = options;
  const status = statusOf(options);
  let last = { text: '', shown: true };
  let shownAt = Date.now();
  const show = (): void => {
    if (!last.shown) stream.write(`${label}: ${last.text}\n`);
    last = { ...last, shown: true };
    shownAt = Date.now();
  };
  return {
    update(done, note = '') {
      const text = status(done, note);
      if (text !== last.text) last = { text, shown: false };
      if (Date.now() - shownAt >= lineInterval) show();
    },
    stop: show,
  };
}

function bar(stream: Writable, options: ProgressOptions): Progress {
  const { label, total, start = 0 } = options;
  const status = statusOf(options);
  const shown = new SingleBar({ stream, format: '{label} {bar} {status}', barsize: 24, hideCursor: true });
  shown.start(total, start, { label, status: status(start, '') });
  return {
    update: (done, note = '') => shown.update(done, { status: status(done, note) }),
    stop: () => shown.stop(),
  };
}

/** `12/32 images, 2.1 images/s, 9 s left, loss 3.2` */
function statusOf({ unit, total, start = 0 }: ProgressOptions): (done: number, note: string) => string {
  const begun = Date.now();
  return (done, note) => {
    const rate = (done - start) / ((Date.now() - begun) / 1000);
    const known = done > start && Number.isFinite(rate);
    const left = known && done < total ? `, ${formatSeconds((total - done) / rate)} left` : '';
    return `${Math.floor(done)}/${total} ${unit}${known ? `, ${formatRate(rate)} ${unit}/s` : ''}${left}${note && `, ${note}`}`;
  };
}

/** Formats a rate with two digits, or as a whole number: `0.042`, `2.1`, `250`. */
export const formatRate = (rate: number): string => (rate >= 99.5 ? rate.toFixed(0) : rate.toPrecision(2));
