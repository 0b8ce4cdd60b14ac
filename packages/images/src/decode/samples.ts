import type { StoredPicture } from './stored-picture.js';

/** Colours and opacity of pixels. */
export type Samples = Pick<StoredPicture, 'data' | 'alpha'>;

/**
 * Separates pixels of 1 to 4 channels (grey, grey and alpha, RGB, RGBA) into red, green and blue, and alpha. Bytes of RGB are
 * not copied.
 */
export function separate(samples: Uint8Array, channels: number): Samples {
  if (channels === 3) {
    return { data: new Uint8Array(samples.buffer, samples.byteOffset, samples.length), alpha: undefined };
  }
  const pixels = samples.length / channels;
  const data = new Uint8Array(3 * pixels);
  const alpha = channels % 2 === 0 ? new Uint8Array(pixels) : undefined;
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  for (let i = 0; i < pixels; i++) {
    const at = i * channels;
    data[3 * i] = samples[at] as number;
    data[3 * i + 1] = samples[at + green] as number;
    data[3 * i + 2] = samples[at + blue] as number;
    if (alpha) alpha[i] = samples[at + channels - 1] as number;
  }
  return { data, alpha };
}

/**
 * Converts cyan, magenta, yellow and black to red, green and blue as Pillow's `convert('RGB')` does, without a colour profile.
 * @param channels At least 4. Further channels are ignored.
 */
export function rgbOfCmyk(
  samples: ArrayLike<number>,
  channels: number,
  to8Bits: (value: number) => number,
): Uint8Array {
  const pixels = samples.length / channels;
  const data = new Uint8Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    const light = 255 - to8Bits(samples[i * channels + 3] as number);
    for (let c = 0; c < 3; c++) {
      const ink = to8Bits(samples[i * channels + c] as number);
      data[3 * i + c] = light - Math.round((ink * light) / 255);
    }
  }
  return data;
}
