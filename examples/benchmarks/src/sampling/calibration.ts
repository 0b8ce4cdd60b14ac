import { calibrateThreshold, type EntropyModelConfig, entropyModel } from '@dpar/entropy';
import { llamaGenKind, llamaGenPreset, presets } from '@dpar/model';
import type { Model } from '@dpar/nn';
import { createSampler, type SampleOptions } from '@dpar/sampler';
import { type Engine, float32, type HostTensorOf, int32, named, type WeightFormat } from '@dpar/tensor';
import { randomParameters } from './random-parameters.js';

/**
 * Options of generation. The temperature is so high that all tokens are equally likely: only the seed determines the tokens.
 * They are the same for all models, and known beforehand.
 */
export function samplingOptions(batch: number): SampleOptions {
  return { labels: Int32Array.from({ length: batch }, (_, i) => i), guidanceScale: 2, temperature: 1e9, seed: 1 };
}

/** Largest number of images for the calibration of a threshold. */
const calibrationImages = 4;

/**
 * Calibrates the threshold that gives the tokens of {@link samplingOptions} patches of a mean length.
 * @param weights Format of the entropy model's weights when it samples.
 */
export async function thresholdFor(
  engine: Engine,
  model: Model<EntropyModelConfig>,
  weights: WeightFormat,
  batch: number,
  targetMeanPatchLength: number,
): Promise<number> {
  const { blockSize: T } = model.config;
  const tokens = await tokensToCome(engine, T, Math.min(batch, calibrationImages));
  const entropies = await entropiesOf(engine, model, weights, tokens);
  const patching = { maxPatchLength: 4, rowLength: Math.sqrt(T) };
  return calibrateThreshold(entropies, { targetMeanPatchLength, ...patching }).threshold;
}

/** Generates the tokens of {@link samplingOptions} with the smallest model: int32 [B, T]. */
async function tokensToCome(engine: Engine, T: number, batch: number): Promise<HostTensorOf<'int32'>> {
  const config = llamaGenPreset({ ...presets.nano, llamaGenLayers: 1 }, { gridSize: Math.sqrt(T) });
  const parameters = randomParameters(llamaGenKind.specs(config), 1, 0.02);
  const sampler = createSampler(engine, { kind: llamaGenKind, config, parameters });
  try {
    return int32([batch, T], (await sampler.generate(samplingOptions(batch))).tokens);
  } finally {
    await sampler.dispose();
  }
}

/** Computes entropies in nats, one image at a time: float32 [B, T - 1]. */
async function entropiesOf(
  engine: Engine,
  { config, parameters }: Model<EntropyModelConfig>,
  weights: WeightFormat,
  { data, shape: [batch = 0, T = 0] }: HostTensorOf<'int32'>,
): Promise<HostTensorOf<'float32'>> {
  const compiled = engine.compile(
    (ops, inputs) => ({ entropies: entropyModel(ops, config, inputs, named(inputs, 'tokens')).entropies }),
    { constants: parameters, weights },
  );
  const result = float32([batch, T - 1]);
  try {
    for (let image = 0; image < batch; image++) {
      const tokens = int32([1, T], data.slice(image * T, (image + 1) * T));
      const { data: entropies } = named(await compiled.run({ tokens }), 'entropies');
      result.data.set(entropies, image * (T - 1));
    }
  } finally {
    await compiled.dispose();
  }
  return result;
}
