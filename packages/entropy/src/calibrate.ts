import type { KindsOf } from '@dpar/check';
import { type PatchingOptions, writePatchLengths } from '@dpar/patchify';
import { DparError, type HostTensor } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { floatToOrder, orderToFloat } from './float-order.js';

/** What {@link calibrateThreshold} looks for. */
export interface CalibrationOptions {
  /** Wanted tokens per patch, all tokens over all patches (the paper: 1.81 at 256 px, 2.06 at 384 px). */
  readonly targetMeanPatchLength: number;
  /** Most tokens in a patch, P; none by default. */
  readonly maxPatchLength?: number | null;
  /** Tokens in a row, at whose start a patch starts. */
  readonly rowLength?: number | null;
  /** An end-of-image token follows the tokens of each image, as a patch of its own. */
  readonly endOfImage?: boolean;
}

const calibrationOptionsKinds: KindsOf<CalibrationOptions> = {
  targetMeanPatchLength: 'number',
  'maxPatchLength?': 'number | null',
  'rowLength?': 'number | null',
  'endOfImage?': 'boolean',
};

/** What {@link calibrateThreshold} finds. */
export interface Calibration {
  /** Nats: tokens of higher entropy start a patch. */
  readonly threshold: number;
  /** Tokens per patch at this threshold. */
  readonly meanPatchLength: number;
  /** Patches per image at this threshold, the mean. */
  readonly meanPatches: number;
}

/**
 * The threshold at which patches of some images have the wanted mean length, or come nearest to it.
 *
 * A higher threshold never gives more patches, and their number changes only at values of the entropies, so that
 * bisection over the order of float32 values finds the one value at which the wanted mean is crossed: 32 passes over the
 * entropies at most. The threshold is put in the middle between the entropies on both sides, so that an entropy computed
 * with another rounding falls on the same side.
 *
 * @param entropies float32 [N, T - 1], nats: entry j of an image belongs to the prediction of token j + 1
 * @throws DparError if the mean cannot be reached (the message names the range that can), or the shape is wrong.
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
        `got ${entropies.dtype}[${entropies.shape.join(', ')}].`,
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

/** The lowest threshold, a float32 between the least and the greatest entropy, with at least the target mean. */
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
 * The middle of the interval of equivalent thresholds that starts at `crossing` (`above`), or that ends there: patches
 * are the same for all thresholds from one entropy up to the next.
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

/** Patches of all images together. */
function countPatches(data: Float32Array, predicted: number, patching: PatchingOptions): number {
  const scratch = new Int32Array(predicted + 2);
  let patches = 0;
  for (let start = 0; start < data.length; start += predicted) {
    patches += writePatchLengths(scratch, data.subarray(start, start + predicted), patching);
  }
  return patches;
}
