import { DparError } from '@dpar/tensor';

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
    for (const [name, prime] of this.placeholders) {
      if (size === prime) return name;
      if (size % prime === 0) return `${size / prime} * ${name}`;
    }
    return `size ${size}`;
  }
}
