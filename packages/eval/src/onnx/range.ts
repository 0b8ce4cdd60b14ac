import { DparError } from '@dpar/tensor';
import type { ValueRange } from '../network-input.js';
import type { OnnxImageType } from './values.js';

/** Mean and deviation of bytes, of those of values from 0 to 1. */
const ofUnit = (mean: readonly [number, number, number], deviation: readonly [number, number, number]) =>
  ({ mean: ofBytes(mean), deviation: ofBytes(deviation) }) as const;

function ofBytes([red, green, blue]: readonly [number, number, number]): readonly [number, number, number] {
  return [255 * red, 255 * green, 255 * blue];
}

/**
 * Usual ranges of values. `bytes`: 0..255; `unit`: 0..1; `signed`: -1..1; `imagenet`: the mean and standard deviation that
 * networks of torchvision, DINO and DINOv2 and their like are trained with; `clip`: those of CLIP.
 */
export const valueRanges = {
  bytes: { mean: 0, deviation: 1 },
  unit: { mean: 0, deviation: 255 },
  signed: { mean: 127.5, deviation: 127.5 },
  imagenet: { mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] },
  clip: ofUnit([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
} as const satisfies Record<string, ValueRange>;

/** The name of a usual range. */
export type ValueRangeName = keyof typeof valueRanges;

/**
 * The range of an input.
 * @param given Undefined only for uint8, whose values are bytes.
 * @throws DparError if it is not said, of no such name, no mean and deviation, or another than bytes for uint8.
 */
export function rangeOf(given: ValueRangeName | ValueRange | undefined, type: OnnxImageType): ValueRange {
  const names = Object.keys(valueRanges).join(', ');
  if (given === undefined) {
    if (type === 'uint8') return valueRanges.bytes;
    throw new DparError(
      `createOnnxNetwork: expected the values that the network was trained with (${names}, or a mean and deviation), got none. ` +
        "Pass 'range'; the network's card says it.",
    );
  }
  if (typeof given === 'string' && !Object.hasOwn(valueRanges, given)) {
    throw new DparError(`createOnnxNetwork: expected 'range' to be one of ${names}, got '${given}'.`);
  }
  const range = typeof given === 'string' ? valueRanges[given] : given;
  const channels = [range.mean, range.deviation].map((value) =>
    typeof value === 'number' ? [value, value, value] : value,
  );
  const [mean, deviation] = channels;
  const fits = channels.every((values) => values?.length === 3 && values.every(Number.isFinite));
  if (!fits || deviation?.includes(0)) {
    throw new DparError(
      `createOnnxNetwork: expected 'range' with a mean and a deviation of bytes, each a number or three, got ${JSON.stringify(given)}.`,
    );
  }
  if (type === 'uint8' && !(mean?.every((value) => value === 0) && deviation?.every((value) => value === 1))) {
    throw new DparError(
      `createOnnxNetwork: expected the range 'bytes' for an input of uint8, which takes bytes, got ${JSON.stringify(given)}. ` +
        "Leave 'range' out.",
    );
  }
  return range;
}
