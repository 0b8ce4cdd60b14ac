import type { KindsOf } from '@dpar/check';
import { type ImageSize, type ResizeMethod, type RgbImage, resizeImage } from '@dpar/images';

/** Normalization of bytes: (value - mean) / deviation, with one number for all channels or one for each. */
export interface ValueRange {
  readonly mean: number | readonly [number, number, number];
  readonly deviation: number | readonly [number, number, number];
}

export const valueRangeKinds: KindsOf<ValueRange> = {
  mean: 'number | number[]',
  deviation: 'number | number[]',
  '*': 'any',
};

/** Order of the axes: [N, 3, H, W] or [N, H, W, 3]. */
export type ImageLayout = 'NCHW' | 'NHWC';

/** Input format of a network. */
export interface NetworkInput {
  readonly size: ImageSize;
  readonly layout: ImageLayout;
  readonly resize: ResizeMethod;
  readonly range: ValueRange;
}

/**
 * Converts images to the input of a network. Each image is resized independently.
 *
 * @param rows Number of images in the result. Missing ones are 0.
 * @returns [rows, 3, H, W] or [rows, H, W, 3].
 */
export function networkInput(images: readonly RgbImage[], input: NetworkInput, rows = images.length): Float32Array {
  const { size, layout, resize, range } = input;
  const area = size.width * size.height;
  const [channelStride, pixelStride] = layout === 'NCHW' ? [area, 1] : [1, 3];
  const data = new Float32Array(rows * 3 * area);
  for (const [row, image] of images.entries()) {
    const planes = resizeImage(image, size, resize);
    for (let channel = 0; channel < 3; channel++) {
      const [mean, deviation] = [ofChannel(range.mean, channel), ofChannel(range.deviation, channel)];
      const plane = planes.subarray(channel * area, (channel + 1) * area);
      let place = 3 * row * area + channel * channelStride;
      for (let i = 0; i < area; i++, place += pixelStride) data[place] = ((plane[i] as number) - mean) / deviation;
    }
  }
  return data;
}

function ofChannel(value: number | readonly [number, number, number], channel: number): number {
  return typeof value === 'number' ? value : (value[channel] as number);
}
