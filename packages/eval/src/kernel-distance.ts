import type { KindsOf } from '@dpar/check';
import { createRandom, DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type Plan, runPlan, type Task } from './jobs.js';
import { blockRows, type Rows } from './kernels/products.js';
import { checkColumns, checkMatrix, type Matrix, matrixKinds } from './matrix.js';

/** KID, and how well it is known. */
export interface KernelDistance {
  /** Unbiased squared maximum mean discrepancy, mean over the subsets; below 0 by chance where the sets are alike. */
  readonly mean: number;
  /**
   * Standard error of the mean over the subsets. The subsets are of the same images, so that it says how well all images'
   * KID is known, not how much it would change with other images.
   */
  readonly standardError: number;
  /** Number of subsets. */
  readonly subsets: number;
  /** Images in a subset, of each of the two sets. */
  readonly subsetSize: number;
}

/** The random subsets. */
export interface KernelDistanceOptions {
  /** 100 by default. */
  readonly subsets?: number | undefined;
  /**
   * At most as many as the smaller set has. By default 1000, or half of the smaller set if it has no more than that: subsets
   * of all images would be one and the same.
   */
  readonly subsetSize?: number | undefined;
  /** 0 by default. */
  readonly seed?: number | undefined;
}

const kernelDistanceOptionsKinds: KindsOf<KernelDistanceOptions> = {
  'subsets?': 'number',
  'subsetSize?': 'number',
  'seed?': 'number',
};

/**
 * Kernel Inception Distance (Bińkowski et al. 2018): the unbiased squared MMD with the kernel (x.y / D + 1)^3, mean over
 * random subsets, drawn without repetition within a subset. Float64. Time: 4 subsets x subsetSize^2 x D.
 *
 * @throws DparError if a set has fewer than 2 rows, or lengths differ.
 */
export function kernelDistance(
  reference: Matrix,
  samples: Matrix,
  options: KernelDistanceOptions = {},
): KernelDistance {
  checkArguments(
    'kernelDistance',
    { reference, samples, options },
    { reference: matrixKinds, samples: matrixKinds, 'options?': kernelDistanceOptionsKinds },
  );

  return runPlan(planKernelDistance(reference, samples, options));
}

/** The work of {@link kernelDistance}. */
export function planKernelDistance(
  reference: Matrix,
  samples: Matrix,
  { subsets = 100, subsetSize = defaultSize(reference, samples), seed = 0 }: KernelDistanceOptions,
): Plan<KernelDistance> {
  checkColumns('kernelDistance', reference.columns, samples.columns);
  checkMatrix('kernelDistance', reference, 2);
  checkMatrix('kernelDistance', samples, 2);
  if (!(Number.isInteger(subsets) && Number.isInteger(subsetSize) && subsets >= 2 && subsetSize >= 2)) {
    throw new DparError(`kernelDistance: expected 2 subsets of 2 or more, got ${subsets} of ${subsetSize}. Take more.`);
  }
  const size = Math.min(subsetSize, reference.rows, samples.rows);
  const values = new Float64Array(subsets);
  function* tasks(): Generator<Task> {
    for (let i = 0; i < subsets; i++) {
      const x = subset(reference, size, seed, 2 * i);
      const y = subset(samples, size, seed, 2 * i + 1);
      // Terms are added when all are there, so that the order in which tasks end makes no difference.
      const terms: number[] = [];
      let missing = 0;
      const within = 1 / (size * (size - 1));
      const parts = [
        ...kernelSums(x, x, reference.columns, true).map((part) => ({ ...part, weight: 2 * within })),
        ...kernelSums(y, y, reference.columns, true).map((part) => ({ ...part, weight: 2 * within })),
        ...kernelSums(x, y, reference.columns, false).map((part) => ({ ...part, weight: -2 / (size * size) })),
      ];
      missing = parts.length;
      for (const [place, { job, sumOf, weight }] of parts.entries()) {
        yield {
          job,
          take: (products) => {
            terms[place] = weight * sumOf(products);
            if (--missing === 0) values[i] = terms.reduce((sum, term) => sum + term, 0);
          },
        };
      }
    }
  }
  return {
    stages: [tasks],
    result: () => {
      const mean = values.reduce((a, b) => a + b) / subsets;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (subsets - 1);
      return { mean, standardError: Math.sqrt(variance / subsets), subsets, subsetSize: size };
    },
  };
}

/** As Bińkowski et al. have it, or so that subsets differ. */
function defaultSize(reference: Matrix, samples: Matrix): number {
  const smaller = Math.min(reference.rows, samples.rows);
  return smaller > 1000 ? 1000 : Math.max(2, Math.floor(smaller / 2));
}

/** The kernel's sum over pairs of rows, by blocks; `same`: of a set with itself, over pairs i > j. */
function kernelSums(x: readonly Rows[], y: readonly Rows[], columns: number, same: boolean) {
  return x.flatMap((a, i) =>
    y.slice(0, same ? i + 1 : undefined).map((b, j) => {
      const lower = same && i === j;
      const sumOf = (products: Float64Array): number => {
        let sum = 0;
        for (let r = 0; r < a.rows; r++) {
          const start = r * b.rows;
          const end = start + (lower ? r : b.rows);
          for (let place = start; place < end; place++) {
            const kernel = (products[place] as number) / columns + 1;
            sum += kernel * kernel * kernel;
          }
        }
        return sum;
      };
      return { job: { kind: 'products', a, b, columns, lower } as const, sumOf };
    }),
  );
}

/** `size` different rows, by the first steps of a Fisher-Yates shuffle, in blocks. */
function subset({ data, rows, columns }: Matrix, size: number, seed: number, stream: number): Rows[] {
  const random = createRandom(seed, stream);
  const order = Uint32Array.from({ length: rows }, (_, i) => i);
  const blocks: Rows[] = [];
  for (let first = 0; first < size; first += blockRows) {
    const count = Math.min(blockRows, size - first);
    const picked = new Float64Array(count * columns);
    for (let r = 0; r < count; r++) {
      const i = first + r;
      const j = i + random.integer(rows - i);
      const row = order[j] as number;
      order[j] = order[i] as number;
      order[i] = row;
      picked.set(data.subarray(row * columns, (row + 1) * columns), r * columns);
    }
    blocks.push({ data: picked, rows: count });
  }
  return blocks;
}
