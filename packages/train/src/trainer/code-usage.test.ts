import { createRandom, float32 } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { CodeUsage, drawnCodebook } from './code-usage.js';

describe('the use of codes', () => {
  it('tells which were used since a step', () => {
    const usage = new CodeUsage(4);
    usage.note([0, 1, 1], 1);
    usage.note([1, 3], 5);
    expect([usage.usedSince(0), usage.usedSince(1), usage.usedSince(5)]).toEqual([3, 2, 0]);
    expect([usage.deadSince(0), usage.deadSince(1), usage.deadSince(5)]).toEqual([[2], [0, 2], [0, 1, 2, 3]]);
  });

  const books = () => [float32([4, 2], [0, 0, 9, 9, 1, 1, 8, 8]), float32([4, 2], [0, 0, 9, 9, 1, 1, 8, 8])];
  const moments = () => ({ first: new Float32Array(8).fill(1), second: new Float32Array(8).fill(2) });
  // The last two states are far from their code, the others at it.
  const states = float32([1, 5, 2], [0, 0, 0, 0, 0, 0, 5, 5, -5, 5]);
  const codes = [0, 0, 0, 0, 0];

  it('moves dead codes to states far from their codes, with their average and moments', () => {
    const usage = new CodeUsage(4);
    usage.note(codes, 10);
    const [book, average] = books() as [ReturnType<typeof float32>, ReturnType<typeof float32>];
    const { first, second } = moments();
    usage.revive([1, 3], [book, average], { first, second }, states, codes, 10, createRandom(1));
    const rows = [1, 3].map((code) => [...book.data.subarray(2 * code, 2 * code + 2)].join());
    expect(rows.sort()).toEqual(['-5,5', '5,5']);
    expect([...book.data.subarray(0, 2), ...book.data.subarray(4, 6)]).toEqual([0, 0, 1, 1]);
    expect(average).toEqual(book);
    expect([...first]).toEqual([1, 1, 0, 0, 1, 1, 0, 0]);
    expect([...second]).toEqual([2, 2, 0, 0, 2, 2, 0, 0]);
    expect(usage.deadSince(9)).toEqual([2]);
  });

  it('does so by its random numbers only, and as often as there are states', () => {
    const revived = (seed: number, dead = [1, 3]) => {
      const [book] = books();
      const some = float32([1, 5, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]);
      new CodeUsage(4).revive(dead, book ? [book] : [], undefined, some, codes, 1, createRandom(seed));
      return book?.data;
    };
    expect(revived(1)).toEqual(revived(1));
    expect(new Set([1, 2, 3, 4, 5].map((seed) => revived(seed)?.join())).size).toBeGreaterThan(1);
    const one = float32([1, 1, 2], [3, 3]);
    const [book] = books() as [ReturnType<typeof float32>];
    new CodeUsage(4).revive([1, 2, 3], [book], undefined, one, [0], 1, createRandom(1));
    expect([...book.data]).toEqual([0, 0, 3, 3, 1, 1, 8, 8]);
  });
});

it('draws a codebook of states, each once before any twice', () => {
  const states = float32([1, 3, 2], [1, 2, 3, 4, 5, 6]);
  const { shape, data } = drawnCodebook(states, 5, createRandom(2));
  expect(shape).toEqual([5, 2]);
  const rows = Array.from({ length: 5 }, (_, code) => [...data.subarray(2 * code, 2 * code + 2)].join());
  expect(rows.slice(0, 3).sort()).toEqual(['1,2', '3,4', '5,6']);
  expect(rows.slice(3)).toEqual(rows.slice(0, 2));
});
