import { createOrtEngine } from '@dpar/engine-ort';
import { entropyKind } from '@dpar/entropy';
import { dparKind, dparMemory, llamaGenKind, llamaGenMemory, type MemoryCount } from '@dpar/model';
import { countParameters } from '@dpar/nn';
import { createSampler, type GeneratedTokens, type SampleOptions, type Sampler } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import { type BenchmarkSettings, type Prepared, type Sample, secondsOf } from '../benchmark.js';
import { samplingOptions, thresholdFor } from './calibration.js';
import { entropiesOfHead, entropiesOfModel } from './entropy-source.js';
import { randomParameters } from './random-parameters.js';
import { dparConfig, entropyConfig, imagesOf, llamaGenConfig, type Patches, type Variant } from './variant.js';

/** Standard deviations of the output layers. A larger one spreads the entropies of the entropy model. */
const outputStd = { model: 0.02, entropyModel: 0.1 };

/** A sampler and its options beside those of all models. */
interface Generator {
  readonly sampler: Sampler;
  readonly options?: Pick<SampleOptions, 'threshold'>;
}

/** Sets up a sampler with random weights, and generates the images of one batch to compile everything. */
export async function prepareSampling(variant: Variant, { threads, device }: BenchmarkSettings): Promise<Prepared> {
  const engine = await createOrtEngine({ threads, device });
  const { batch, patches } = variant;
  const generator = patches ? await dparGenerator(engine, variant, patches) : llamaGenGenerator(engine, variant);
  const generate = (images: number): Promise<GeneratedTokens> =>
    generator.sampler.generate({ ...samplingOptions(images, batch), ...generator.options });
  await generate(batch);
  return { measure: () => measureSampling(generator.sampler, variant, generate) };
}

/** `seconds` of all images; `meanPatchLength` in tokens; `entropyMs` and so on: milliseconds of each stage in a step. */
export async function measureSampling(
  sampler: Sampler,
  variant: Pick<Variant, 'batch' | 'images' | 'gridSize'>,
  generate: (images: number) => Promise<GeneratedTokens>,
): Promise<Sample> {
  const before = sampler.stageSeconds;
  const images = imagesOf(variant);
  let patches = 0;
  const seconds = await secondsOf(async () => {
    const { patchLengths } = await generate(images);
    patches = patchLengths.reduce((sum, { length }) => sum + length, 0);
  });
  const tokens = images * variant.gridSize ** 2;
  const steps = tokens / variant.batch;
  const stages = Object.entries(sampler.stageSeconds).map(([stage, total]) => {
    return [`${stage}Ms`, (1000 * (total - (before[stage] ?? 0))) / steps];
  });
  return { seconds, meanPatchLength: tokens / patches, ...Object.fromEntries(stages) };
}

async function dparGenerator(
  engine: Engine,
  variant: Variant,
  { by, targetMeanPatchLength }: Patches,
): Promise<Generator> {
  const { gridSize, weights } = variant;
  const target = { images: imagesOf(variant), gridSize, targetMeanPatchLength };
  const config = dparConfig(variant);
  const model = { kind: dparKind, config, parameters: randomParameters(dparKind.specs(config), 1, outputStd.model) };
  if (by === 'head') {
    const threshold = await thresholdFor(engine, entropiesOfHead(model), weights, target);
    return { sampler: createSampler(engine, model, { weights }), options: { threshold } };
  }
  const entropy = entropyConfig(by.size, gridSize);
  const entropyModel = {
    kind: entropyKind,
    config: entropy,
    parameters: randomParameters(entropyKind.specs(entropy), 2, outputStd.entropyModel),
  };
  const threshold = await thresholdFor(engine, entropiesOfModel(entropyModel), by.weights, target);
  const sampler = createSampler(engine, model, { entropyModel, weights, entropyWeights: by.weights });
  return { sampler, options: { threshold } };
}

function llamaGenGenerator(engine: Engine, variant: Variant): Generator {
  const config = llamaGenConfig(variant);
  const parameters = randomParameters(llamaGenKind.specs(config), 1, outputStd.model);
  return { sampler: createSampler(engine, { kind: llamaGenKind, config, parameters }, { weights: variant.weights }) };
}

/** Copies of the weights: the input, in the graphs, repacked by ONNX Runtime, and repacked for other numbers of rows. */
const copies = 4;

/** Expected bytes of a sampler, with caches of two rows an image. */
export function expectedBytes(variant: Variant): number {
  const { gridSize, patches } = variant;
  const memory = memoryOf(variant);
  const entropyWeights =
    patches === undefined || patches.by === 'head'
      ? 0
      : 4 * countParameters(entropyKind.specs(entropyConfig(patches.by.size, gridSize)));
  return copies * (memory.weights + entropyWeights) + 2 * memory.cache;
}

function memoryOf(variant: Variant): MemoryCount {
  const { batch, gridSize, patches } = variant;
  return patches
    ? dparMemory(dparConfig(variant), batch, gridSize ** 2)
    : llamaGenMemory(llamaGenConfig(variant), batch);
}
