import { createOrtEngine } from '@dpar/engine-ort';
import { createInceptionNetwork, foldBatchNorm, inception, inceptionParameters } from '@dpar/eval';
import type { RgbImage } from '@dpar/images';
import { countMacs, createRandom, float32, type HostTensor, type Tensors, type TensorType } from '@dpar/tensor';
import { type Benchmark, medians, secondsOf } from '../benchmark.js';
import { gemmPeak, speedOf } from './gemm-peak.js';

/** Images of a measurement: two batches. */
const count = 16;

/** Features of images of 256 px, resized as the ADM evaluator does, through the Inception-v3 of FID. Random weights. */
export const inceptionFeatures: Benchmark = {
  name: 'eval/inception',
  group: 'inception',
  uses: [gemmPeak],
  maxRounds: 3,
  memoryBytes: 2 ** 30,
  reportsMemory: true,
  prepare: async ({ threads }) => {
    const engine = await createOrtEngine({ threads });
    const parameters = randomWeights();
    const network = createInceptionNetwork(engine, { parameters, sha256: '0'.repeat(64) });
    const gflop = (2 * count * convolutionMacs(foldBatchNorm(parameters))) / 1e9;
    const random = createRandom(7);
    const images = Array.from({ length: count }, (): RgbImage => {
      const data = Uint8Array.from({ length: 3 * 256 * 256 }, () => random.integer(256));
      return { width: 256, height: 256, data };
    });
    const run = () => network.extract(images);
    await run();
    return { measure: async () => ({ seconds: await secondsOf(run), gflop }) };
  },
  figures: (samples, figuresOf) => {
    const { seconds = Number.NaN, gflop = Number.NaN } = medians(samples);
    return { imagesPerSecond: count / seconds, ...speedOf(gflop, seconds, figuresOf) };
  },
};

/** Random weights that keep the scale of activations from layer to layer. */
function randomWeights(): Record<string, HostTensor> {
  const random = createRandom(8);
  const weights: Record<string, HostTensor> = {};
  for (const [name, shape] of inceptionParameters()) {
    const [outputs = 1, ...rest] = shape;
    const fanIn = rest.reduce((product, size) => product * size, 1);
    const data = new Float32Array(outputs * fanIn);
    if (rest.length > 0) random.fillNormal(data, { std: Math.sqrt(2 / fanIn) });
    else if (/running_var|bn\.weight/.test(name)) data.fill(1);
    weights[name] = float32(shape, data);
  }
  return weights;
}

/** Multiply-accumulates of the network's convolutions for one image. */
function convolutionMacs(parameters: Tensors<HostTensor>): number {
  return countMacs((ops) => inception<TensorType>(ops, parameters, { dtype: 'float32', shape: [1, 3, 299, 299] }));
}
