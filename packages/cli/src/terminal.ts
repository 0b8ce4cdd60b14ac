import type { Writable } from 'node:stream';

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
