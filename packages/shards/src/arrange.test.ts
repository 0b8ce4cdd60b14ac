import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrangeShards } from './arrange.js';
import { runDigest } from './record.js';

const shard = (name: string, first: number, count: number, total = 10, settings = { seed: 1 }) => ({
  name,
  record: { first, count, total, run: runDigest(settings), digest: '', settings },
});

describe('arrangeShards', () => {
  it('puts shards that hold each item once in order, whatever their order was', () => {
    const ends = fc.uniqueArray(fc.integer({ min: 1, max: 59 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(ends, fc.infiniteStream(fc.nat()), (inner, keys) => {
        const cuts = [0, ...inner.sort((a, b) => a - b), 60];
        const shards = cuts.slice(1).map((end, i) => shard(`${i}`, cuts[i] as number, end - (cuts[i] as number), 60));
        const shuffled = shards
          .map((one) => ({ one, key: keys.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ one }) => one);
        expect(arrangeShards(shuffled, { items: 'images' })).toEqual(shards);
        const [gone, ...rest] = shuffled as [(typeof shards)[number], ...typeof shards];
        expect(() => arrangeShards(rest, { items: 'images', total: 60 })).toThrow(
          new RegExp(`got none of ${gone.record.first}\\b`),
        );
      }),
    );
  });

  it('names all that is wrong in one line', () => {
    const [a, b, c] = [shard('a', 0, 4), shard('b', 3, 3), shard('c', 8, 2)];
    expect(() => arrangeShards([c, b, a], { items: 'images', damaged: ['d'] })).toThrow(
      "expected images 0-9 once each, got none of 6-7; twice 3 ('a', 'b'); damaged shards 'd'. Run the command that makes " +
        'the shards again. Leave out one of two overlapping shards.',
    );
    expect(() => arrangeShards([a, a, b], { items: 'images' })).toThrow("twice 0-3 ('a', 'a'), 3 ('a', 'b')");
    expect(() => arrangeShards([], { items: 'images', damaged: ['d'] })).toThrow(
      "expected images, got none of them; damaged shards 'd'.",
    );
  });

  it('refuses shards of another run, and names the setting where it is known', () => {
    const [a, other] = [shard('a', 0, 5), shard('b', 5, 5, 10, { seed: 2 })];
    expect(() => arrangeShards([a, other], { items: 'images' })).toThrow("expected 'seed' 1 as in 'a'");
    const { settings: _, ...record } = other.record;
    expect(() => arrangeShards([a, { ...other, record }], { items: 'images' })).toThrow(
      `got ${other.record.run} of 10 in 'b'`,
    );
    expect(() => arrangeShards([a, shard('c', 5, 6, 11)], { items: 'images' })).toThrow(
      "expected 'total' 10 as in 'a'",
    );
    expect(() => arrangeShards([a], { items: 'images', total: 9 })).toThrow('of a run of 9 images, got 10');
    expect(() => arrangeShards([shard('a', 0, 1, 1e12)], { items: 'images' })).toThrow('expected at most 100000000');
  });
});
