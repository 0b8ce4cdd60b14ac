import type { KindsOf } from '@dpar/check';
import { createRandom, DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type Plan, runPlan, type Task } from './jobs.js';
import { blockRows, type Rows } from './kernels/products.js';
import { checkColumns, checkMatrix, type Matrix, matrixKinds } from './matrix.js';
import { mean, variance } from './statistics.js';

/** KID with its standard error. */
export interface KernelDistance {
  /** Unbiased squared maximum mean discrepancy, mean over the subsets. It can be below 0 for similar sets. */
  readonly mean: number;
  /**
   * Standard error of the mean over the subsets. All subsets come from the same images, so it is the error of these images'
   * KID, not the variation of KID for other images.
   */
  readonly standardError: number;
  /** Number of subsets. */
  readonly subsets: number;
  /** Images per subset, from each of the two sets. */
  readonly subsetSize: number;
}

/** Options of {@link kernelDistance}: the random subsets. */
export interface KernelDistanceOptions {
  /** Number of subsets. Default: 100. */
  readonly subsets?: number | undefined;
  /**
   * Images per subset, at most the size of the smaller set. Default: 1000, or half of a smaller set of up to 1000 images,
   * because subsets of all images would be equal.
   */
  readonly subsetSize?: number | undefined;
  /** Seed of the subsets. Default: 0. */
  readonly seed?: number | undefined;
}

const kernelDistanceOptionsKinds: KindsOf<KernelDistanceOptions> = {
  'subsets?': 'number',
  'subsetSize?': 'number',
  'seed?': 'number',
};

/**
 * Kernel Inception Distance (Bińkowski et al. 2018): unbiased squared MMD with the kernel (x.y / D + 1)^3 in float64, mean
 * over random subsets. A subset is drawn without replacement. Time: 4 subsets x subsetSize^2 x D.
 *
 * @throws DparError if a set has fewer than 2 rows, or lengths differ.
 */
export function kernelDistance(
  reference: Matrix,
  samples: Matrix,
  options: KernelDistanceOptions = {},
): KernelDistance {
  return runPlan(planKernelDistance(reference, samples, options));
}

/** Plan of {@link kernelDistance}: its checks and tasks. */
export function planKernelDistance(
  reference: Matrix,
  samples: Matrix,
  options: KernelDistanceOptions,
): Plan<KernelDistance> {
  checkArguments(
    'kernelDistance',
    { reference, samples, options },
    { reference: matrixKinds, samples: matrixKinds, options: kernelDistanceOptionsKinds },
  );
  const { subsets = 100, subsetSize = defaultSize(reference, samples), seed = 0 } = options;
  checkColumns('kernelDistance', reference.columns, samples.columns);
  checkMatrix('kernelDistance', reference, 2);
  checkMatrix('kernelDistance', samples, 2);
  if (!(Number.isInteger(subsets) && Number.isInteger(subsetSize) && subsets >= 2 && subsetSize >= 2)) {
    throw new DparError(
      `kernelDistance: expected at least 2 subsets of at least 2 images, got ${subsets} of ${subsetSize}. Use more.`,
    );
  }
  const size = Math.min(subsetSize, reference.rows, samples.rows);
  const values = new Float64Array(subsets);
  function* tasks(): Generator<Task> {
    for (let i = 0; i < subsets; i++) {
      const x = subset(reference, size, seed, 2 * i);
      const y = subset(samples, size, seed, 2 * i + 1);
      // Terms are added after the last task, so the order in which tasks end makes no difference.
      const terms: number[] = [];
      const within = 2 * (1 / (size * (size - 1)));
      const parts = [
        ...kernelSums(x, x, reference.columns, true, within),
        ...kernelSums(y, y, reference.columns, true, within),
        ...kernelSums(x, y, reference.columns, false, -2 / (size * size)),
      ];
      let missing = parts.length;
      for (const [place, { job, sumOf }] of parts.entries()) {
        yield {
          job,
          take: (products) => {
            terms[place] = sumOf(products);
            if (--missing === 0) values[i] = terms.reduce((sum, term) => sum + term, 0);
          },
        };
      }
    }
  }
  return {
    stages: [tasks],
    result: () => ({
      mean: mean(values),
      standardError: Math.sqrt(variance(values) / subsets),
      subsets,
      subsetSize: size,
    }),
  };
}

/** Subset size of Bińkowski et al., or half of a small set so that subsets differ. */
function defaultSize(reference: Matrix, samples: Matrix): number {
  const smaller = Math.min(reference.rows, samples.rows);
  return smaller > 1000 ? 1000 : Math.max(2, Math.floor(smaller / 2));
}

/** Weighted sums of the kernel over pairs of rows, one per pair of blocks. For a set with itself (`same`) the pairs are i > j. */
function kernelSums(x: readonly Rows[], y: readonly Rows[], columns: number, same: boolean, weight: number) {
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
        return weight * sum;
      };
      return { job: { kind: 'products', a, b, columns, lower } as const, sumOf };
    }),
  );
}

/** Draws `size` different rows by the first steps of a Fisher-Yates shuffle. @returns The rows in blocks. */
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
