import { Writable } from 'node:stream';
import xterm from '@xterm/headless';
import picocolors from 'picocolors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isTerminal, showsColors, type Terminal } from '../command/progress.js';
import { liveDisplay } from './display.js';
import { TrainFollower, type TrainState } from './state.js';
import { viewLines } from './view.js';

/** A terminal in memory. */
function terminalOf(columns: number) {
  const written: string[] = [];
  const stream = new Writable({
    write: (chunk, _, done) => {
      written.push(`${chunk}`);
      done();
    },
  });
  return { written, stream: Object.assign(stream, { isTTY: true as const, columns, rows: 30 }) };
}

/** Lines that a terminal of some width shows after some output. */
async function screenOf(written: readonly string[], columns: number): Promise<string[]> {
  const screen = new xterm.Terminal({ cols: columns, rows: 30, allowProposedApi: true, convertEol: true });
  await new Promise<void>((done) => screen.write(written.join(''), done));
  const lines = Array.from({ length: 30 }, (_, i) => screen.buffer.active.getLine(i)?.translateToString(true) ?? '');
  return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
}

const state = (step: number, more: Partial<TrainState> = {}): TrainState => {
  const follower = new TrainFollower({ kind: 'dpar', steps: 20 }, 0, () => step);
  for (let i = 1; i <= step; i++) {
    const figures = { loss: 5 - i / 10, gradientNorm: 1, learningRate: 1e-3, seconds: 1, imagesPerSecond: 9 };
    follower.step({
      step: i,
      epoch: 0,
      ...figures,
      meanPatchLength: 1.5,
      waitSeconds: 0,
      optimizerSeconds: 0.1,
      paddingShare: 0.04,
      graphs: 1,
      ...(i > 4 && { validationLoss: i }),
    });
  }
  return { ...follower.state, ...more };
};

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('a view on a terminal', () => {
  it.each([100, 40, 24])('shows one state after the other in the same place, %d characters wide', async (columns) => {
    const { stream, written } = terminalOf(columns);
    const display = liveDisplay(stream);
    // Rows come and go: validation, activity and samples.
    const states = [
      state(0),
      state(1),
      state(2),
      state(5),
      state(6, { activity: 'drawing samples' }),
      state(6, { samples: 'a/b/c.png' }),
      state(7, { samples: 'a/b/c.png' }),
      state(8),
      state(20, { end: 'done' }),
    ];
    for (const shown of states) {
      display.show(shown, true);
      const expected = viewLines(shown, columns - 1, picocolors.createColors(false)).map((line) => line.trimEnd());
      expect(await screenOf(written, columns)).toEqual(expected);
    }
    display.stop();
  });

  it('is drawn a few times a second at most, and at last as it ended', async () => {
    const { stream, written } = terminalOf(80);
    const display = liveDisplay(stream);
    let drawn = 0;
    for (let step = 1; step <= 20; step++) {
      const before = written.length;
      display.show(state(step));
      if (written.length > before) drawn++;
      vi.advanceTimersByTime(50);
    }
    expect(drawn).toBe(4); // a second in all
    expect((await screenOf(written, 80))[0]).toContain('16/20 steps');
    display.stop();
    expect((await screenOf(written, 80))[0]).toContain('20/20 steps');
  });
});

describe('a terminal', () => {
  const terminal = (hasColors: boolean): Terminal =>
    Object.assign(new Writable(), { isTTY: true as const, hasColors: () => hasColors });

  it('shows colours if it can and its user wants them', () => {
    vi.stubEnv('NO_COLOR', '');
    expect([showsColors(terminal(true)), showsColors(terminal(false))]).toEqual([true, false]);
    vi.stubEnv('NO_COLOR', '1');
    expect(showsColors(terminal(true))).toBe(false);
  });

  it('can replace its text', () => {
    vi.stubEnv('TERM', 'xterm');
    expect([isTerminal(terminal(true)), isTerminal(new Writable())]).toEqual([true, false]);
    expect(isTerminal(Object.assign(terminal(true), { columns: 0, rows: 0 }))).toBe(false);
    vi.stubEnv('TERM', 'dumb');
    expect(isTerminal(terminal(true))).toBe(false);
  });
});
