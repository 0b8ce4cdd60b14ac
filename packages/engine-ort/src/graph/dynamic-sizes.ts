import { DparError, type DynamicAxes, type Tensors, type TensorType } from '@dpar/tensor';

/**
 * Stand-ins for sizes that are not known yet. A function is traced with a large prime number in place of each, so that
 * what depends on it is seen in every shape: sizes above `smallest` are such numbers, multiples of them, or next to them.
 * Products of two of them and usual sizes are exact.
 */
const primes = [1048583, 1048589, 1048601, 1048609];
const smallest = 1_000_000;

/** Numbers of rows that products with constant weights tell apart: a few, some, many. */
const rowRanges = [4, 64] as const;

/** Which range of numbers of rows a number is in. */
function rowRange(rows: number): 'few' | 'some' | 'many' {
  if (rows <= rowRanges[0]) return 'few';
  return rows <= rowRanges[1] ? 'some' : 'many';
}

/** The sizes of a function that may differ from call to call, by name. */
export class DynamicSizes {
  private readonly placeholders = new Map<string, number>();
  private readonly ranges = new Map<string, string>();

  /** @param sizes The sizes of the call that is compiled for. @throws DparError for more than four of them. */
  constructor(private readonly sizes: ReadonlyMap<string, number> = new Map()) {
    if (sizes.size > primes.length) {
      throw new DparError(`compile: expected at most ${primes.length} dynamic sizes, got ${[...sizes.keys()]}.`);
    }
    let next = 0;
    for (const name of sizes.keys()) this.placeholders.set(name, primes[next++] as number);
  }

  /** The number that stands for a size. */
  placeholder(name: string): number {
    return this.placeholders.get(name) as number;
  }

  /** Whether a size depends on a dynamic one. */
  isOpen(size: number): boolean {
    return this.sizes.size > 0 && size >= smallest;
  }

  /** The range of a number of rows in the call that is compiled for. What is asked here is compiled for that range only. */
  rowRange(rows: number): 'few' | 'some' | 'many' {
    let rest = rows;
    let size = 1;
    for (const [name, prime] of this.placeholders) {
      if (rest % prime !== 0) continue;
      rest /= prime;
      const inCall = this.sizes.get(name) as number;
      size *= inCall;
      this.ranges.set(name, rowRange(inCall));
    }
    return rowRange(size * rest);
  }

  /** Whether what was compiled serves other sizes: all that were asked about are in the same ranges. */
  serves(sizes: ReadonlyMap<string, number>): boolean {
    for (const [name, range] of this.ranges) if (rowRange(sizes.get(name) as number) !== range) return false;
    return true;
  }

  /** What a size is called in the graph: a number, or an expression of names. */
  dimension(size: number): number | string {
    if (!this.isOpen(size)) return size;
    const { factor, names, added } = this.termsOf(size) ?? { factor: 1, names: [`size ${size}`], added: 0 };
    const product = [...(factor === 1 ? [] : [factor]), ...names].join(' * ');
    return added === 0 ? product : `${product} ${added < 0 ? '-' : '+'} ${Math.abs(added)}`;
  }

  /** What an open size is made of; undefined if it is not a product of dynamic sizes and a number, or next to one. */
  termsOf(size: number): SizeTerms | undefined {
    for (let distance = 0; distance <= farthest; distance++) {
      for (const added of distance === 0 ? [0] : [-distance, distance]) {
        const names: string[] = [];
        let factor = size - added;
        for (const [name, prime] of this.placeholders) {
          for (; factor % prime === 0; factor /= prime) names.push(name);
        }
        if (names.length > 0 && factor < smallest) return { factor, names, added };
      }
    }
    return undefined;
  }
}

/** How far from a product of dynamic sizes a size may be: functions add or leave out a position here and there. */
const farthest = 4;

/** A size as factor * names[0] * names[1] * ... + added. */
export interface SizeTerms {
  readonly factor: number;
  readonly names: readonly string[];
  readonly added: number;
}

/** The types of inputs, with placeholders for sizes that are open. */
export function openTypes(
  types: Tensors<TensorType>,
  dynamicAxes: DynamicAxes,
  dynamic: DynamicSizes,
): Record<string, TensorType> {
  return Object.fromEntries(
    Object.entries(types).map(([name, { dtype, shape }]) => {
      const axes = dynamicAxes[name] ?? {};
      const open = shape.map((size, axis) => (axes[axis] === undefined ? size : dynamic.placeholder(axes[axis])));
      return [name, { dtype, shape: open }];
    }),
  );
}
