import { createOrtEngine } from '@dpar/engine-ort';
import {
  dparMatmulMacs,
  dparMemory,
  dparPreset,
  llamaGenMatmulMacs,
  llamaGenMemory,
  llamaGenPreset,
  type MemoryCount,
  paperPatchRatios,
  presets,
} from '@dpar/model';
import { initializeParameters } from '@dpar/nn';
import { padPatchLengths } from '@dpar/patchify';
import { createRandom, int32, named } from '@dpar/tensor';
import { type Batch, lossAndGradients, type TrainableModel, trainableDpar, trainableLlamaGen } from '@dpar/train';
import { type Benchmark, medians, secondsOf } from '../benchmark.js';
import { randomPatches } from '../patches.js';
import { gemmPeak } from './gemm-peak.js';

const resolution = 256;
const dpar = dparPreset(presets.B);
const llamaGen = llamaGenPreset(presets.B);

/** Patches of an image, at the mean patch length of the paper. */
const patches = Math.round(dpar.blockSize / (paperPatchRatios[resolution] ?? 1));

/** Forward pass, and a backward pass with twice its products. */
const passes = 3;

/** Loss and all gradients of a base model at 256 px and 16384 codes, for random tokens. The optimizer is not part of it. */
export function trainStep(kind: 'dpar' | 'llamagen', batch: number): Benchmark {
  const macs = kind === 'dpar' ? dparMatmulMacs(dpar, patches) : llamaGenMatmulMacs(llamaGen);
  const memory = kind === 'dpar' ? dparMemory(dpar, batch, patches) : llamaGenMemory(llamaGen, batch);
  const gflop = (2 * passes * batch * macs) / 1e9;
  return {
    name: `train-step/${kind}-b-${resolution}/batch-${batch}`,
    group: `train-step/batch-${batch}`,
    memoryBytes: expectedBytes(memory),
    uses: [gemmPeak],
    reportsMemory: true,
    prepare: async ({ threads }) => {
      const engine = await createOrtEngine({ threads });
      const model: TrainableModel = kind === 'dpar' ? trainableDpar(dpar) : trainableLlamaGen(llamaGen);
      const parameters = initializeParameters(model.specs, 1);
      // It starts at zero, with which most gradients would be zero too.
      createRandom(5).fillNormal(named(parameters, 'output.weight').data as Float32Array, { std: 0.02 });
      const step = lossAndGradients(engine, model);
      const inputs = model.inputs(randomBatch(batch));
      await step.run(parameters, inputs);
      return { measure: async () => ({ seconds: await secondsOf(() => step.run(parameters, inputs)) }) };
    },
    figures: (samples, figuresOf) => {
      const seconds = medians(samples).seconds ?? Number.NaN;
      const gflops = gflop / seconds;
      const { gflops: peak } = figuresOf(gemmPeak.name);
      return {
        seconds,
        imagesPerSecond: batch / seconds,
        gflops,
        ...(peak !== undefined && { peakShare: gflops / peak }),
      };
    },
  };
}

/** Weights, gradients, and activations, of which ONNX Runtime keeps less than the count says. */
function expectedBytes({ weights, gradients, activations }: MemoryCount): number {
  return weights + gradients + activations;
}

function randomBatch(size: number): Batch {
  const { blockSize: T, vocabSize, numClasses } = dpar;
  const random = createRandom(4);
  const below = (n: number) => Math.floor(random.uniform() * n);
  return {
    images: Int32Array.from({ length: size }, (_, i) => i),
    tokens: int32(
      [size, T],
      Int32Array.from({ length: size * T }, () => below(vocabSize)),
    ),
    labels: int32(
      [size],
      Int32Array.from({ length: size }, () => below(numClasses)),
    ),
    patchLengths: padPatchLengths(randomPatches(size, patches, 6)),
  };
}
