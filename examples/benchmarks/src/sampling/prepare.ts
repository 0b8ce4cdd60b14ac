import { createOrtEngine } from '@dpar/engine-ort';
import { entropyKind } from '@dpar/entropy';
import { dparKind, dparMemory, dparPreset, llamaGenKind, llamaGenMemory, llamaGenPreset, presets } from '@dpar/model';
import { countParameters } from '@dpar/nn';
import { createSampler, type GeneratedTokens, type StageSeconds } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import { type Prepared, type Sample, type Settings, secondsOf } from '../benchmark.js';
import { samplingOptions, thresholdFor } from './calibration.js';
import { randomParameters } from './random-parameters.js';
import { type EntropyModelVariant, entropyConfig, type Variant } from './variant.js';

/** Standard deviations of the output layers. A larger one spreads the entropies of the entropy model. */
const outputStd = { model: 0.02, entropyModel: 0.1 };

/** A sampler with the function that generates a batch. */
interface Generator {
  readonly stageSeconds: StageSeconds;
  generate(): Promise<GeneratedTokens>;
}

/** Sets up a sampler with random weights, and generates once to compile everything. */
export async function prepareSampling(variant: Variant, { threads }: Settings): Promise<Prepared> {
  const engine = await createOrtEngine({ threads });
  const { entropyModel } = variant;
  const generator = entropyModel
    ? await dparGenerator(engine, variant, entropyModel)
    : llamaGenGenerator(engine, variant);
  await generator.generate();
  return { measure: () => measure(generator) };
}

/** `seconds` of a batch; `meanPatchLength` in tokens; `entropyMs` and so on: milliseconds per position of each stage. */
async function measure(generator: Generator): Promise<Sample> {
  const before = generator.stageSeconds;
  let patchLengths: readonly Int32Array[] = [];
  const seconds = await secondsOf(async () => {
    patchLengths = (await generator.generate()).patchLengths;
  });
  const T = patchLengths[0]?.reduce((sum, length) => sum + length, 0) ?? Number.NaN;
  const patches = patchLengths.reduce((sum, { length }) => sum + length, 0);
  const stages = Object.entries(generator.stageSeconds).map(([stage, total]) => {
    return [`${stage}Ms`, (1000 * (total - (before[stage] ?? 0))) / T];
  });
  return { seconds, meanPatchLength: (patchLengths.length * T) / patches, ...Object.fromEntries(stages) };
}

async function dparGenerator(
  engine: Engine,
  { batch, gridSize, weights }: Variant,
  { size, weights: entropyWeights, targetMeanPatchLength }: EntropyModelVariant,
): Promise<Generator> {
  const config = dparPreset(presets.B, { gridSize });
  const parameters = randomParameters(dparKind.specs(config), 1, outputStd.model);
  const entropy = entropyConfig(size, gridSize);
  const entropyModel = {
    kind: entropyKind,
    config: entropy,
    parameters: randomParameters(entropyKind.specs(entropy), 2, outputStd.entropyModel),
  };
  const threshold = await thresholdFor(engine, entropyModel, entropyWeights, batch, targetMeanPatchLength);
  const sampler = createSampler(
    engine,
    { kind: dparKind, config, parameters },
    { entropyModel, weights, entropyWeights },
  );
  return generatorOf(sampler, () => sampler.generate({ ...samplingOptions(batch), threshold }));
}

function llamaGenGenerator(engine: Engine, { batch, gridSize, weights }: Variant): Generator {
  const config = llamaGenPreset(presets.B, { gridSize });
  const parameters = randomParameters(llamaGenKind.specs(config), 1, outputStd.model);
  const sampler = createSampler(engine, { kind: llamaGenKind, config, parameters }, { weights });
  return generatorOf(sampler, () => sampler.generate(samplingOptions(batch)));
}

function generatorOf(
  sampler: { readonly stageSeconds: StageSeconds },
  generate: () => Promise<GeneratedTokens>,
): Generator {
  return {
    get stageSeconds() {
      return sampler.stageSeconds;
    },
    generate,
  };
}

/** Copies of the weights: the input, in the graphs, repacked by ONNX Runtime, and repacked for other numbers of rows. */
const copies = 4;

/** Expected bytes of a sampler, with caches of two rows an image. */
export function expectedBytes({ batch, gridSize, entropyModel }: Variant): number {
  const memory = entropyModel
    ? dparMemory(dparPreset(presets.B, { gridSize }), batch, gridSize ** 2)
    : llamaGenMemory(llamaGenPreset(presets.B, { gridSize }), batch);
  const entropyWeights = entropyModel
    ? 4 * countParameters(entropyKind.specs(entropyConfig(entropyModel.size, gridSize)))
    : 0;
  return copies * (memory.weights + entropyWeights) + 2 * memory.cache;
}
