import { DparError } from '@dpar/tensor';
import type { ValueRange } from '../network-input.js';
import type { OnnxImageType } from './values.js';

/** Scales a mean or deviation of values from 0 to 1 to bytes. */
function ofBytes([red, green, blue]: readonly [number, number, number]): readonly [number, number, number] {
  return [255 * red, 255 * green, 255 * blue];
}

/**
 * Common value ranges. `bytes`: 0..255. `unit`: 0..1. `signed`: -1..1. `imagenet`: mean and standard deviation of networks such
 * as those of torchvision, DINO and DINOv2. `clip`: those of CLIP.
 */
export const valueRanges = {
  bytes: { mean: 0, deviation: 1 },
  unit: { mean: 0, deviation: 255 },
  signed: { mean: 127.5, deviation: 127.5 },
  imagenet: { mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] },
  clip: {
    mean: ofBytes([0.48145466, 0.4578275, 0.40821073]),
    deviation: ofBytes([0.26862954, 0.26130258, 0.27577711]),
  },
} as const satisfies Record<string, ValueRange>;

/** Name of a common range. */
export type ValueRangeName = keyof typeof valueRanges;

/**
 * Value range of an input.
 * @param given Optional only for uint8, whose values are bytes.
 * @throws DparError if it is missing or invalid, or is not `bytes` for uint8.
 */
export function rangeOf(given: ValueRangeName | ValueRange | undefined, type: OnnxImageType): ValueRange {
  const names = Object.keys(valueRanges).join(', ');
  if (given === undefined) {
    if (type === 'uint8') return valueRanges.bytes;
    throw new DparError(
      `createOnnxNetwork: expected the value range of the training images (${names}, or a mean and deviation), got none. ` +
        "Pass 'range'. The network's model card states it.",
    );
  }
  if (typeof given === 'string' && !Object.hasOwn(valueRanges, given)) {
    throw new DparError(
      `createOnnxNetwork: expected 'range' to be one of ${names}, got '${given}'. Pass one of these.`,
    );
  }
  const range = typeof given === 'string' ? valueRanges[given] : given;
  const channels = [range.mean, range.deviation].map((value) =>
    typeof value === 'number' ? [value, value, value] : value,
  );
  const [mean, deviation] = channels;
  const fits = channels.every((values) => values?.length === 3 && values.every(Number.isFinite));
  if (!fits || deviation?.includes(0)) {
    throw new DparError(
      `createOnnxNetwork: expected 'range' with a mean and a deviation of bytes, got ${JSON.stringify(given)}. ` +
        'Pass one number or three for each.',
    );
  }
  if (type === 'uint8' && !(mean?.every((value) => value === 0) && deviation?.every((value) => value === 1))) {
    throw new DparError(
      `createOnnxNetwork: expected the range 'bytes' for a uint8 input, got ${JSON.stringify(given)}. Omit 'range'.`,
    );
  }
  return range;
}
