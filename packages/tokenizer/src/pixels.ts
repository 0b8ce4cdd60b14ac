import { DparError, float32, type HostTensorOf } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/**
 * Converts bytes of images to the pixels that models read.
 * @param bytes [B, H, W, 3], 0..255, as image files decode to.
 * @param width Width in pixels, W.
 * @param height Height in pixels, H; default: square images.
 * @returns [B, 3, H, W] in -1..1.
 * @throws DparError if the bytes are not a whole number of images.
 */
export function imagesFromBytes(bytes: Uint8Array, width: number, height = width): HostTensorOf<'float32'> {
  checkArguments(
    'imagesFromBytes',
    { bytes, width, height },
    { bytes: 'Uint8Array', width: 'number', 'height?': 'number' },
  );

  const area = height * width;
  const images = bytes.length / (3 * area);
  if (!Number.isInteger(images)) {
    throw new DparError(
      `imagesFromBytes: expected images of ${width}x${height} pixels with 3 bytes each, got ${bytes.length} bytes. ` +
        'Pass whole images in RGB.',
    );
  }
  const data = new Float32Array(bytes.length);
  for (let b = 0; b < images; b++) {
    for (let channel = 0; channel < 3; channel++) {
      const plane = (3 * b + channel) * area;
      for (let i = 0; i < area; i++) data[plane + i] = (bytes[3 * (b * area + i) + channel] as number) / 127.5 - 1;
    }
  }
  return float32([images, 3, height, width], data);
}

/**
 * Converts pixels to bytes, the inverse of {@link imagesFromBytes}. Values are clipped to -1..1 and rounded.
 * @param images [B, 3, H, W]
 * @returns [B, H, W, 3], 0..255
 */
export function bytesFromImages(images: HostTensorOf<'float32'>): Uint8Array<ArrayBuffer> {
  checkArguments(
    'bytesFromImages',
    { images },
    { images: { dtype: "'float32'", shape: 'number[]', data: 'Float32Array', '*': 'any' } },
  );

  const { shape, data } = images;
  const [B = 0, , height = 0, width = 0] = shape;
  const area = height * width;
  const bytes = new Uint8Array(data.length);
  for (let b = 0; b < B; b++) {
    for (let channel = 0; channel < 3; channel++) {
      const plane = (3 * b + channel) * area;
      for (let i = 0; i < area; i++) {
        const value = Math.min(1, Math.max(-1, data[plane + i] as number));
        bytes[3 * (b * area + i) + channel] = Math.round((value + 1) * 127.5);
      }
    }
  }
  return bytes;
}

/**
 * Peak signal-to-noise ratio over all given pixels, in dB: 10 log10(255^2 / mean squared error). It is infinite for equal
 * pixels.
 * @throws DparError if the lengths differ or are 0.
 */
export function peakSignalToNoiseRatio(original: Uint8Array, other: Uint8Array): number {
  checkArguments('peakSignalToNoiseRatio', { original, other }, { original: 'Uint8Array', other: 'Uint8Array' });

  if (original.length !== other.length || original.length === 0) {
    throw new DparError(
      `peakSignalToNoiseRatio: expected two images of one size, got ${original.length} and ${other.length} bytes. ` +
        'Pass images of one size.',
    );
  }
  let squares = 0;
  for (let i = 0; i < original.length; i++) squares += ((original[i] as number) - (other[i] as number)) ** 2;
  return 10 * Math.log10((255 * 255 * original.length) / squares);
}
