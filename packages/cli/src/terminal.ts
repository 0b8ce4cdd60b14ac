import type { Writable } from 'node:stream';

/** A stream that is a terminal. */
export interface Terminal extends Writable {
  readonly isTTY: true;
  /** Width in characters, as it is now. */
  readonly columns?: number;
  hasColors?(): boolean;
}

/** Whether a stream is a terminal on which text can be replaced: one that knows its size, and how to move its cursor. */
export function isTerminal(stream: Writable): stream is Terminal {
  const { isTTY = false, columns, rows } = stream as Writable & { isTTY?: boolean; columns?: number; rows?: number };
  return isTTY && columns !== 0 && rows !== 0 && process.env.TERM !== 'dumb';
}

/** Whether a terminal shows colours and its user wants them (https://no-color.org). */
export function showsColors(terminal: Terminal): boolean {
  return !process.env.NO_COLOR && (terminal.hasColors?.() ?? true);
}
