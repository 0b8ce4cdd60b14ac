import type { FeatureNetwork, ImageFeatures } from '@dpar/eval';
import type { RgbImage } from '@dpar/images';

/** A stand-in for a feature network: 3 pool features, 2 spatial ones and 2 logits of an image's first and last pixel. */
export function tinyNetwork(identity: string, onBatch: () => void = () => {}): FeatureNetwork {
  return {
    name: 'First and last pixel',
    resize: identity,
    identity,
    extract: async (images): Promise<ImageFeatures> => {
      onBatch();
      const matrix = (columns: number, rowOf: (image: RgbImage) => readonly number[]) => ({
        data: Float32Array.from(images.flatMap((image) => rowOf(image).slice(0, columns))),
        rows: images.length,
        columns,
      });
      return {
        pool: matrix(3, ({ data }) => [...data.subarray(0, 3)].map((value) => value / 255)),
        spatial: matrix(2, ({ data }) => [...data.subarray(-2)].map((value) => value / 255)),
        logits: matrix(2, ({ data }) => [...data.subarray(0, 2)].map((value) => value / 64)),
      };
    },
    dispose: async () => {},
  };
}
