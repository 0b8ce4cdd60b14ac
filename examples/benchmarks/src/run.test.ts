import { expect, it } from 'vitest';
import type { Benchmark } from './benchmark.js';
import { turnsOf } from './run.js';

const GiB = 2 ** 30;

const benchmark = (name: string, gibibytes: number): Benchmark => ({
  name,
  group: 'group',
  memoryBytes: gibibytes * GiB,
  prepare: () => Promise.reject(new Error('never prepared')),
  figures: () => ({}),
});

const [small, middle, large] = [benchmark('small', 1), benchmark('middle', 4), benchmark('large', 6)];

function turns(gibibytes: number): { names: string[][]; lines: string[] } {
  const lines: string[] = [];
  const group = { name: 'group', all: [small, middle, large] };
  const found = turnsOf(
    group,
    ({ memoryBytes = 0 }) => memoryBytes,
    gibibytes * GiB,
    (line) => void lines.push(line),
  );
  return { names: found.map((turn) => turn.map(({ name }) => name)), lines };
}

it('measures a group in turn if the memory suffices', () => {
  expect(turns(11)).toEqual({ names: [['small', 'middle', 'large']], lines: [] });
});

it('measures one benchmark after another if the memory suffices for each', () => {
  const lines = ['group: one after another, the memory does not suffice for all at the same time'];
  expect(turns(10)).toEqual({ names: [['small'], ['middle'], ['large']], lines });
});

it('leaves out a benchmark that needs more memory than there is', () => {
  const lines = ['large: left out, it needs 6.0 GiB of memory and there are 5.0 GiB'];
  expect(turns(5)).toEqual({ names: [['small', 'middle']], lines });
});
