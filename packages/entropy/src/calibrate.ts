import type { KindsOf } from '@dpar/check';
import { type PatchingOptions, writePatchLengths } from '@dpar/patchify';
import { DparError, type HostTensor } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/** Settings of {@link calibrateThreshold}. */
export interface CalibrationOptions {
  /** Target for tokens per patch, over all images (the paper: 1.81 at 256 px, 2.06 at 384 px). */
  readonly targetMeanPatchLength: number;
  /** Maximum tokens in a patch, P (default: no limit). */
  readonly maxPatchLength?: number | null;
  /** Tokens in a row. A patch starts at each row (default: rows are ignored). */
  readonly rowLength?: number | null;
  /** True if an end-of-image token follows each image, as a patch of its own (default: false). */
  readonly endOfImage?: boolean;
}

const calibrationOptionsKinds: KindsOf<CalibrationOptions> = {
  targetMeanPatchLength: 'number',
  'maxPatchLength?': 'number | null',
  'rowLength?': 'number | null',
  'endOfImage?': 'boolean',
};

/** Result of {@link calibrateThreshold}. */
export interface Calibration {
  /** Nats: tokens of higher entropy start a patch. */
  readonly threshold: number;
  /** Tokens per patch at this threshold. */
  readonly meanPatchLength: number;
  /** Mean number of patches per image at this threshold. */
  readonly meanPatches: number;
}

/**
 * Finds the threshold at which the mean patch length of some images is nearest to a target.
 *
 * A higher threshold never gives more patches, and their number changes only at values of the entropies. Bisection over
 * the float32 values therefore finds the value at which the mean crosses the target, in at most 32 passes over the
 * entropies. The threshold is the middle between the entropies on both sides, so that rounding errors do not move tokens
 * across it.
 *
 * @param entropies float32 [N, T - 1], nats: entry j of an image belongs to the prediction of token j + 1
 * @throws DparError if the target is out of reach (the message names the possible range), or the shape is wrong.
 */
export function calibrateThreshold(entropies: HostTensor, options: CalibrationOptions): Calibration {
  checkArguments(
    'calibrateThreshold',
    { entropies, options },
    {
      entropies: 'HostTensor',
      options: calibrationOptionsKinds,
    },
  );

  const [images = 0, predicted = 0] = entropies.shape;
  if (entropies.dtype !== 'float32' || entropies.shape.length !== 2 || images === 0 || predicted === 0) {
    throw new DparError(
      `calibrateThreshold: expected entropies float32[N, T - 1] of at least one image, ` +
        `got ${entropies.dtype}[${entropies.shape.join(', ')}]. Compute them with an entropy model.`,
    );
  }
  const data = entropies.data as Float32Array;
  const { targetMeanPatchLength: target, ...patching } = options;
  const tokens = images * (predicted + 1 + (patching.endOfImage ? 1 : 0));
  const meanAt = (threshold: number): number => tokens / countPatches(data, predicted, { ...patching, threshold });

  const [lowest, highest] = [meanAt(Number.NEGATIVE_INFINITY), meanAt(Number.POSITIVE_INFINITY)];
  if (!(target >= lowest && target <= highest)) {
    throw new DparError(
      `calibrateThreshold: expected a mean patch length that these images can reach, from ${lowest.toFixed(3)} to ` +
        `${highest.toFixed(3)}, got ${target}. Change the target${highest < target ? ' or raise maxPatchLength' : ''}.`,
    );
  }
  const crossing = firstAtLeast(target, meanAt, range(data));
  const below = neighbours(data, crossing, false);
  const above = neighbours(data, crossing, true);
  const [a, b] = [result(below, meanAt, images, tokens), result(above, meanAt, images, tokens)];
  return target - a.meanPatchLength < b.meanPatchLength - target ? a : b;
}

/** Lowest float32 threshold between the least and the greatest entropy with at least the target mean. */
function firstAtLeast(
  target: number,
  meanAt: (threshold: number) => number,
  [least, greatest]: [number, number],
): number {
  let low = floatToOrder(least) - 1; // below all entropies
  let high = floatToOrder(greatest); // above none: the highest mean
  if (meanAt(orderToFloat(low)) >= target) return orderToFloat(low);
  // meanAt(low) < target <= meanAt(high)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (meanAt(orderToFloat(middle)) >= target) high = middle;
    else low = middle;
  }
  return orderToFloat(high);
}

/**
 * Middle of the interval of equivalent thresholds that starts at `crossing` (`above`) or ends there. Patches are the same
 * for all thresholds from one entropy up to the next.
 */
function neighbours(data: Float32Array, crossing: number, above: boolean): number {
  let [start, end] = above ? [crossing, Infinity] : [-Infinity, crossing];
  for (const entropy of data) {
    if (entropy > start && entropy < end) {
      if (above) end = entropy;
      else start = entropy;
    }
  }
  if (end === Infinity) return start;
  if (start === -Infinity) return end > 0 ? end / 2 : end - 1;
  const middle = Math.fround((start + end) / 2);
  return middle < end ? middle : start;
}

function result(threshold: number, meanAt: (threshold: number) => number, images: number, tokens: number): Calibration {
  const meanPatchLength = meanAt(threshold);
  return { threshold, meanPatchLength, meanPatches: tokens / meanPatchLength / images };
}

function range(data: Float32Array): [number, number] {
  let least = Infinity;
  let greatest = -Infinity;
  for (const entropy of data) {
    if (entropy < least) least = entropy;
    if (entropy > greatest) greatest = entropy;
  }
  return [least, greatest];
}

/** Number of patches of all images. */
function countPatches(data: Float32Array, predicted: number, patching: PatchingOptions): number {
  const scratch = new Int32Array(predicted + 2);
  let patches = 0;
  for (let start = 0; start < data.length; start += predicted) {
    patches += writePatchLengths(scratch, data.subarray(start, start + predicted), patching);
  }
  return patches;
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/**
 * Rank of a float32 among all float32 values: a whole number that rises with the value, by one from each value to the
 * next. The rank of -0 and 0 is 0.
 */
function floatToOrder(value: number): number {
  float[0] = value;
  const order = bits[0] as number;
  return order >= 0 ? order : -(order & 0x7fffffff);
}

/** The float32 of a rank, the inverse of {@link floatToOrder}. */
function orderToFloat(order: number): number {
  bits[0] = order >= 0 ? order : -order | -0x80000000;
  return float[0] as number;
}
