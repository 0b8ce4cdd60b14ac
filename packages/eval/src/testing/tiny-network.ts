import type { RgbImage } from '@dpar/images';
import type { FeatureNetwork, ImageFeatures } from '../feature-network.js';
import type { Matrix } from '../matrix.js';

/** Settings of a {@link tinyNetwork}: counters and behaviour for a test. */
export interface TinyNetworkOptions {
  readonly identity?: string;
  /** Called with each batch before its features are computed. */
  readonly onBatch?: (images: readonly RgbImage[]) => Promise<void> | void;
}

/** A stand-in network: 3 pool features (means of the channels), 2 spatial ones (corner pixels) and 2 logits. */
export function tinyNetwork({ identity = 'tiny', onBatch }: TinyNetworkOptions = {}): FeatureNetwork {
  return {
    name: 'Means of channels',
    resize: 'none',
    identity,
    extract: async (images): Promise<ImageFeatures> => {
      await onBatch?.(images);
      const matrix = (columns: number, rowOf: (image: RgbImage) => readonly number[]): Matrix => ({
        data: Float32Array.from(images.flatMap(rowOf)),
        rows: images.length,
        columns,
      });
      return {
        pool: matrix(3, (image) => [0, 1, 2].map((channel) => meanOf(image, channel))),
        spatial: matrix(2, ({ data }) => [(data[0] ?? 0) / 255, (data.at(-1) ?? 0) / 255]),
        logits: matrix(2, (image) => [meanOf(image, 0), meanOf(image, 1)]),
      };
    },
    dispose: async () => {},
  };
}

function meanOf({ data }: RgbImage, channel: number): number {
  let sum = 0;
  for (let i = channel; i < data.length; i += 3) sum += data[i] as number;
  return (sum * 3) / data.length / 255;
}
