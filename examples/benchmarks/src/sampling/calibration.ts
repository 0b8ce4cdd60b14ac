import { calibrateThreshold } from '@dpar/entropy';
import { llamaGenKind, llamaGenPreset, presets } from '@dpar/model';
import { createSampler, type SampleOptions } from '@dpar/sampler';
import { type Engine, float32, type HostTensorOf, int32, named, type WeightFormat } from '@dpar/tensor';
import type { EntropySource } from './entropy-source.js';
import { randomParameters } from './random-parameters.js';

/**
 * Options of generation. The temperature is so high that all tokens are equally likely: only the seed determines the tokens.
 * They are the same for all models, and known beforehand.
 * @param batch Images at work at the same time; the others wait. Default: all.
 */
export function samplingOptions(images: number, batch = images): SampleOptions {
  const labels = Int32Array.from({ length: images }, (_, i) => i);
  return { labels, guidanceScale: 2, temperature: 1e9, seed: 1, ...(batch < images && { batchSize: batch }) };
}

/**
 * Calibrates the threshold that gives the tokens of {@link samplingOptions} patches of a mean length. Random models differ
 * much from image to image, so all images count.
 * @param weights Format of the weights when images are sampled.
 * @param gridSize Tokens in a row and in a column of an image.
 */
export async function thresholdFor(
  engine: Engine,
  source: EntropySource,
  weights: WeightFormat,
  {
    images,
    gridSize,
    targetMeanPatchLength,
  }: Readonly<Record<'images' | 'gridSize' | 'targetMeanPatchLength', number>>,
): Promise<number> {
  const tokens = await tokensToCome(engine, gridSize, images);
  const entropies = await entropiesOf(engine, source, weights, tokens);
  return calibrateThreshold(entropies, { targetMeanPatchLength, maxPatchLength: 4, rowLength: gridSize }).threshold;
}

/** Generates the tokens of {@link samplingOptions} with the smallest model: int32 [B, T]. */
async function tokensToCome(engine: Engine, gridSize: number, images: number): Promise<HostTensorOf<'int32'>> {
  const config = llamaGenPreset({ ...presets.nano, llamaGenLayers: 1 }, { gridSize });
  const parameters = randomParameters(llamaGenKind.specs(config), 1, 0.02);
  const sampler = createSampler(engine, { kind: llamaGenKind, config, parameters });
  try {
    return int32([images, config.blockSize], (await sampler.generate(samplingOptions(images))).tokens);
  } finally {
    await sampler.dispose();
  }
}

/** Computes entropies in nats, one image at a time, rounded as the sampler does: float32 [B, T - 1]. */
async function entropiesOf(
  engine: Engine,
  { fn, parameters, inputs }: EntropySource,
  weights: WeightFormat,
  { data, shape: [images = 0, T = 0] }: HostTensorOf<'int32'>,
): Promise<HostTensorOf<'float32'>> {
  const compiled = engine.compile(fn, { constants: parameters, weights, batchInvariant: true });
  const result = float32([images, T - 1]);
  try {
    for (let image = 0; image < images; image++) {
      const tokens = int32([1, T], data.slice(image * T, (image + 1) * T));
      const { data: entropies } = named(await compiled.run(inputs(tokens)), 'entropies');
      result.data.set(entropies, image * (T - 1));
    }
  } finally {
    await compiled.dispose();
  }
  return result;
}
