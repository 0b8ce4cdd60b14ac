import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgress, formatRate } from './progress.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A stream that keeps what is written to it. */
function capture(isTTY: boolean) {
  const written: string[] = [];
  const stream = new Writable({
    write: (chunk, _, done) => {
      written.push(`${chunk}`);
      done();
    },
  });
  return { written, stream: Object.assign(stream, { isTTY }) };
}

describe('lines', () => {
  it('count whole items, and fractions for the rate and the time left', () => {
    const { stream, written } = capture(false);
    const progress = createProgress(stream, { label: 'sample', unit: 'images', total: 10 });
    vi.advanceTimersByTime(2000);
    progress.update(0.5);
    expect(written).toEqual([]);
    vi.advanceTimersByTime(4000);
    progress.update(1.5);
    // 1.5 images in 6 s: 0.25 a second, and 8.5 images take 34 s.
    expect(written).toEqual(['sample: 1/10 images, 0.25 images/s, 34 s left\n']);
    vi.advanceTimersByTime(4000);
    progress.update(10);
    progress.stop();
    progress.stop();
    expect(written.slice(1)).toEqual(['sample: 10/10 images, 1.0 images/s\n']);
  });

  it('leave what was there before out of the rate', () => {
    const { stream, written } = capture(false);
    const progress = createProgress(stream, { label: 'sample', unit: 'images', total: 100, start: 90 });
    vi.advanceTimersByTime(10_000);
    progress.update(92, 'loss 3');
    // 2 images in 10 s; the 8 others take 40 s.
    expect(written).toEqual(['sample: 92/100 images, 0.20 images/s, 40 s left, loss 3\n']);
  });
});

it('lines say what was all done at once, and nothing twice', () => {
  const { stream, written } = capture(false);
  const progress = createProgress(stream, { label: 'sample', unit: 'images', total: 4, start: 4 });
  progress.update(4);
  vi.advanceTimersByTime(6000);
  for (let i = 0; i < 3; i++) progress.update(4);
  progress.stop();
  expect(written).toEqual(['sample: 4/4 images\n']);
});

it('a bar moves with fractions of an item', () => {
  const { stream, written } = capture(true);
  const progress = createProgress(stream, { label: 'sample', unit: 'images', total: 2 });
  const filled = (): number => {
    vi.advanceTimersByTime(1000);
    return (written.findLast((text) => text.includes('=')) ?? '').split('=').length - 1;
  };
  const shown = [0.25, 0.5, 0.75, 1.5].map((done) => {
    progress.update(done);
    return filled();
  });
  progress.stop();
  expect(shown).toEqual([3, 6, 9, 18]);
  expect(written.join('')).toContain('1/2 images, 0.50 images/s, 1 s left');
});

it('formats rates', () => {
  expect([0.042, 2.14, 99.4, 99.7, 250.3].map(formatRate)).toEqual(['0.042', '2.1', '99', '100', '250']);
});
