import type { KindsOf } from '@dpar/check';
import {
  createRandom,
  DparError,
  type Engine,
  float32,
  formatType,
  type HostTensor,
  type HostTensorOf,
  named,
} from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { nearestCodes } from '../codes.js';

/** Settings of {@link fitCodebook}. */
export interface FitCodebookOptions {
  /** Number of codes K, including pinned ones. */
  readonly codes: number;
  /** Seed of the draws. The same seed gives the same codebook. */
  readonly seed: number;
  /** Iterations of k-means (default 15). */
  readonly iterations?: number;
  /** Patches drawn at random for each code (default 256). */
  readonly samplesPerCode?: number;
  /** Fixed vectors that become the first codes, such as the blank background: [R, C]. */
  readonly pinned?: HostTensorOf<'float32'>;
  /** Called after each iteration with the number of iterations and the mean squared error per number in a patch. */
  readonly onIteration?: (done: number, meanSquaredError: number) => void;
}

const fitCodebookOptionsKinds: KindsOf<FitCodebookOptions> = {
  codes: 'number',
  seed: 'number',
  'iterations?': 'number',
  'samplesPerCode?': 'number',
  'pinned?': { dtype: "'float32'", shape: 'number[]', data: 'Float32Array', '*': 'any' },
  'onIteration?': 'function',
};

/** Rows of one call of the engine. */
const chunk = 32768;

/**
 * Fits a codebook by k-means (Lloyd's algorithm). Patches equal to a pinned code are ignored. An unused code moves to a
 * patch drawn with probability proportional to its squared error, as in k-means++.
 * @param patches [N, C]
 * @returns [K, C]
 * @throws DparError if there are fewer different patches than codes.
 */
export async function fitCodebook(
  engine: Engine,
  patches: HostTensorOf<'float32'>,
  options: FitCodebookOptions,
): Promise<HostTensorOf<'float32'>> {
  checkArguments(
    'fitCodebook',
    { engine, patches, options },
    {
      engine: 'Engine',
      patches: { dtype: "'float32'", shape: 'number[]', data: 'Float32Array', '*': 'any' },
      options: fitCodebookOptionsKinds,
    },
  );

  const { codes, seed, iterations = 15, samplesPerCode = 256, onIteration } = options;
  const C = patches.shape[1] ?? 0;
  const { pinned = float32([0, C]) } = options;
  const fixed = pinned.shape[0] ?? 0;
  if (patches.shape.length !== 2 || C === 0 || pinned.shape[1] !== C || codes <= fixed) {
    throw new DparError(
      'fitCodebook: expected patches [N, C], pinned codes [R, C] and more codes than R, ' +
        `got ${formatType(patches)}, ${formatType(pinned)} and ${codes} codes. Raise the number of codes.`,
    );
  }
  const random = createRandom(seed);
  const free = codes - fixed;
  const samples = drawSamples(patches, pinned, free * samplesPerCode, random.permutation(patches.shape[0] ?? 0));
  const count = samples.length / C;
  if (count < free) {
    throw new DparError(
      `fitCodebook: expected at least ${free} patches besides the pinned ones, got ${count}. Take fewer codes or more images.`,
    );
  }
  const centroids = float32([free, C], samples.slice(0, free * C));
  const assign = engine.compile((ops, inputs) => ({
    codes: nearestCodes(ops, named(inputs, 'centroids'), named(inputs, 'samples')),
  }));
  const errors = new Float64Array(count);
  for (let done = 1; done <= iterations; done++) {
    const nearest = new Int32Array(count);
    for (let start = 0; start < count; start += chunk) {
      const rows = Math.min(chunk, count - start);
      const part = float32([rows, C], samples.subarray(start * C, (start + rows) * C));
      nearest.set(named(await assign.run({ samples: part, centroids }), 'codes').data, start);
    }
    measure(samples, centroids, nearest, errors);
    const empty = moveToMeans(samples, centroids, nearest);
    for (const code of empty) {
      const row = random.categorical(errors);
      centroids.data.set(samples.subarray(row * C, (row + 1) * C), code * C);
    }
    onIteration?.(done, errors.reduce((sum, error) => sum + error, 0) / samples.length);
  }
  await assign.dispose();
  const codebook = float32([codes, C]);
  codebook.data.set(pinned.data);
  codebook.data.set(centroids.data, pinned.data.length);
  return codebook;
}

/** Collects the first `limit` patches in the given order that differ from all pinned ones. */
function drawSamples(patches: HostTensor, pinned: HostTensor, limit: number, order: Int32Array): Float32Array {
  const C = patches.shape[1] ?? 0;
  const samples = new Float32Array(Math.min(limit, order.length) * C);
  const rows = Array.from({ length: pinned.shape[0] ?? 0 }, (_, i) => pinned.data.subarray(i * C, (i + 1) * C));
  let length = 0;
  for (const index of order) {
    if (length === samples.length) break;
    const patch = patches.data.subarray(index * C, (index + 1) * C);
    if (rows.some((row) => row.every((value, i) => value === patch[i]))) continue;
    samples.set(patch, length);
    length += C;
  }
  return samples.subarray(0, length);
}

/** Squared distance of each sample from its code. */
function measure(samples: Float32Array, centroids: HostTensor, nearest: Int32Array, errors: Float64Array): void {
  const C = centroids.shape[1] ?? 0;
  for (let row = 0; row < nearest.length; row++) {
    const [from, to] = [row * C, (nearest[row] as number) * C];
    let error = 0;
    for (let i = 0; i < C; i++) error += ((samples[from + i] as number) - (centroids.data[to + i] as number)) ** 2;
    errors[row] = error;
  }
}

/** Moves each code to the mean of its samples. Returns the codes without samples, which stay. */
function moveToMeans(samples: Float32Array, centroids: HostTensor, nearest: Int32Array): number[] {
  const [K = 0, C = 0] = centroids.shape;
  const sums = new Float64Array(K * C);
  const counts = new Int32Array(K);
  for (let row = 0; row < nearest.length; row++) {
    const code = nearest[row] as number;
    counts[code] = (counts[code] ?? 0) + 1;
    for (let i = 0; i < C; i++) sums[code * C + i] = (sums[code * C + i] as number) + (samples[row * C + i] as number);
  }
  const empty: number[] = [];
  for (let code = 0; code < K; code++) {
    const size = counts[code] as number;
    if (size === 0) empty.push(code);
    else for (let i = 0; i < C; i++) centroids.data[code * C + i] = (sums[code * C + i] as number) / size;
  }
  return empty;
}
