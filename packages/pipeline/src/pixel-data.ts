/** Pixels as in the `ImageData` of browsers. */
export interface PixelData {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and opacity: [height, width, 4]. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly colorSpace: 'srgb';
}

type NewImageData = new (data: Uint8ClampedArray, width: number, height: number) => PixelData;

/** An `ImageData` in browsers, elsewhere a plain object with the same properties. */
export function newPixelData(data: Uint8ClampedArray<ArrayBuffer>, width: number, height: number): PixelData {
  const { ImageData } = globalThis as { readonly ImageData?: NewImageData };
  return ImageData === undefined ? { width, height, data, colorSpace: 'srgb' } : new ImageData(data, width, height);
}
