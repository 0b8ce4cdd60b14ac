import { DparError, type DynamicAxes, type Tensors, type TensorType } from '@dpar/tensor';

/**
 * Placeholders for sizes that are unknown while a function is traced.
 *
 * Sizes of the tensor interface are numbers, and functions compute with them (`length - 1`, `rows * positions`). A symbol
 * cannot pass through that arithmetic, so each open size is a large prime. Factoring a size afterwards shows which open
 * sizes it is made of. Products of two primes and a usual size are exact in a float64.
 */
const primes = [1048583, 1048589, 1048601, 1048609];

/** Smallest number that is taken for an open size. Fixed sizes lie below it. */
const smallestOpen = 1_000_000;

/** Position beyond every fixed axis, and below every open size. */
export const beyondFixedSizes = smallestOpen - 1;

/** Numbers that functions may add to open sizes, closest to zero first: they handle a few positions more or less. */
const offsets = [0, -1, 1, -2, 2, -3, 3, -4, 4];

/** Range of a number of rows. Products with constant weights are compiled differently for each. */
type RowRange = 'few' | 'some' | 'many';

function rangeOf(rows: number): RowRange {
  if (rows <= 4) return 'few';
  return rows <= 64 ? 'some' : 'many';
}

/** An open size as factor * names[0] * names[1] * ... + added. */
export interface SizeTerms {
  readonly factor: number;
  readonly names: readonly string[];
  readonly added: number;
}

/** Open sizes of a function, by name. They may differ from call to call. */
export class DynamicSizes {
  private readonly placeholders = new Map<string, number>();
  /** Ranges of rows that the program was compiled for, by the name of the size. */
  private readonly ranges = new Map<string, RowRange>();

  /** @param sizes Sizes in the call to compile for. @throws DparError for more than four of them. */
  constructor(private readonly sizes: ReadonlyMap<string, number> = new Map()) {
    if (sizes.size > primes.length) {
      const given = [...sizes.keys()].join(', ');
      throw new DparError(`compile: expected at most ${primes.length} dynamic sizes, got ${given}. Fix some of them.`);
    }
    [...sizes.keys()].forEach((name, i) => {
      this.placeholders.set(name, primes[i] as number);
    });
  }

  /** Placeholder of a size. */
  placeholder(name: string): number {
    return this.placeholders.get(name) as number;
  }

  /** True for a size that depends on an open one. */
  isOpen(size: number): boolean {
    return this.sizes.size > 0 && size >= smallestOpen;
  }

  /** Range of a number of rows in the call to compile for. The program then serves calls in that range only. */
  rowRange(rows: number): RowRange {
    let inCall = rows;
    for (const [name, prime] of this.placeholders) {
      if (inCall % prime !== 0) continue;
      const size = this.sizes.get(name) as number;
      inCall = (inCall / prime) * size;
      this.ranges.set(name, rangeOf(size));
    }
    return rangeOf(inCall);
  }

  /** True if the program serves other sizes: each one that {@link rowRange} read is in the same range. */
  serves(sizes: ReadonlyMap<string, number>): boolean {
    return [...this.ranges].every(([name, range]) => rangeOf(sizes.get(name) as number) === range);
  }

  /** Size as the graph shows it: a number, or an expression of names. */
  dimension(size: number): number | string {
    if (!this.isOpen(size)) return size;
    const { factor, names, added } = this.termsOf(size) ?? { factor: 1, names: [`size ${size}`], added: 0 };
    const product = (factor === 1 ? names : [factor, ...names]).join(' * ');
    return added === 0 ? product : `${product} ${added < 0 ? '-' : '+'} ${Math.abs(added)}`;
  }

  /** Terms of an open size. Undefined unless it is a product of open sizes and a number, or close to one. */
  termsOf(size: number): SizeTerms | undefined {
    return offsets.map((added) => this.productOf(size - added, added)).find((terms) => terms !== undefined);
  }

  /** Divides a number by the placeholders. Undefined unless only a fixed size remains. */
  private productOf(size: number, added: number): SizeTerms | undefined {
    const names: string[] = [];
    let factor = size;
    for (const [name, prime] of this.placeholders) {
      for (; factor % prime === 0; factor /= prime) names.push(name);
    }
    return names.length > 0 && factor < smallestOpen ? { factor, names, added } : undefined;
  }
}

/** Types of inputs, with placeholders for open sizes. */
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
