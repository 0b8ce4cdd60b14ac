import type { FeatureNetwork, ImageFeatures } from '@dpar/eval';
import { type RgbImage, resizeBytes } from '@dpar/images';
import { type CompiledFunction, type Engine, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { imagesFromBytes } from '@dpar/tokenizer';
import { type ClassifierConfig, classifier, classifierSize } from './network.js';

const batchSize = 64;

/**
 * Feature network of a classifier: its last convolution, averaged over places, and its logits.
 * @param scale Factor on the features.
 */
export function classifierFeatures(
  engine: Engine,
  config: ClassifierConfig,
  parameters: Tensors<HostTensor>,
  identity: string,
  scale: number,
): FeatureNetwork {
  const compiled = engine.compile((ops, inputs) => classifier(ops, config, inputs, named(inputs, 'images')), {
    constants: parameters,
  });
  return {
    name: 'classifier of emoji',
    resize: "Pillow's bicubic to 64 x 64",
    identity,
    extract: (images) => extract(compiled, config, images, scale),
    dispose: () => compiled.dispose(),
  };
}

async function extract(
  compiled: CompiledFunction,
  { channels, classes }: ClassifierConfig,
  images: readonly RgbImage[],
  scale: number,
): Promise<ImageFeatures> {
  const columns = channels[3];
  const pool = new Float32Array(images.length * columns);
  const logits = new Float32Array(images.length * classes);
  const size = { width: classifierSize, height: classifierSize };
  for (let start = 0; start < images.length; start += batchSize) {
    const part = images.slice(start, start + batchSize);
    // The last batch is filled with grey, so that all batches share one graph.
    const bytes = new Uint8Array(batchSize * 3 * classifierSize ** 2).fill(128);
    part.forEach((image, i) => {
      const fits = image.width === classifierSize && image.height === classifierSize;
      bytes.set((fits ? image : resizeBytes(image, size, 'bicubic')).data, i * 3 * classifierSize ** 2);
    });
    const outputs = await compiled.run({ images: imagesFromBytes(bytes, classifierSize) });
    const rows = (name: string, width: number) => named(outputs, name).data.subarray(0, part.length * width);
    pool.set(rows('pool', columns), start * columns);
    logits.set(rows('logits', classes), start * classes);
  }
  return {
    pool: { data: pool.map((value) => scale * value), rows: images.length, columns },
    logits: { data: logits, rows: images.length, columns: classes },
  };
}

/** Splits square images [N, S, S, 3]. */
export function imagesOf(pixels: Uint8Array, size: number): RgbImage[] {
  const bytes = 3 * size * size;
  return Array.from({ length: pixels.length / bytes }, (_, i) => ({
    width: size,
    height: size,
    data: pixels.subarray(i * bytes, (i + 1) * bytes),
  }));
}
