import { paperPatchRatios } from '@dpar/model';
import type { WeightFormat } from '@dpar/tensor';
import { type Benchmark, type FiguresOf, medians } from '../benchmark.js';
import { dparCost, llamaGenCost, type SamplingCost } from '../sampling/floor.js';
import { expectedBytes, prepareSampling } from '../sampling/prepare.js';
import { isInPytorch, sampleInPytorch } from '../sampling/pytorch.js';
import {
  dparConfig,
  entropyConfig,
  imagesOf,
  llamaGenConfig,
  type ModelSize,
  type Patches,
  type Variant,
} from '../sampling/variant.js';
import { gemmPeak } from './gemm-peak.js';
import { readBandwidth } from './read-bandwidth.js';

const resolution = 256;
const gridSize = 16;
const targetMeanPatchLength = paperPatchRatios[resolution] ?? 1;

const sizes = ['B', 'L', 'XL'] as const satisfies readonly ModelSize[];
const batches = [1, 8, 16, 64];
const formats = ['float32', 'int8', 'int4'] as const satisfies readonly WeightFormat[];

/** Batches that run by default, for the smallest size. */
const usualBatches: readonly number[] = [1, 16];

/** Images of a queue, and those that are at work at the same time. */
const queue = { images: 128, batch: 16 };

/** Generation at 256 px. Models of the same size, format and batch take turns. */
export const sampling: readonly Benchmark[] = sizes.flatMap((size) =>
  batches.flatMap((batch) => formats.flatMap((weights) => modelsOf({ size, batch, gridSize, weights }))),
);

/** Generation of more images than are at work at the same time. A finished image gives its place to the next. */
export const queuedSampling: readonly Benchmark[] = queued({ ...queue, size: 'B', gridSize, weights: 'float32' });

/** LlamaGen, and DPAR with each way to its patches, of a size, format and batch. */
function modelsOf(variant: Variant): Benchmark[] {
  const { size, batch, weights } = variant;
  const sizeName = `${size.toLowerCase()}-${resolution}`;
  const group = `sample/${sizeName}/${weights}/batch-${batch}`;
  const usual = size === 'B' && usualBatches.includes(batch);
  // Other sizes run if their name is selected, other batches and formats only by their full name.
  const limited = (model: string, name: string, runs = usual): Pick<Benchmark, 'onlyWith'> => {
    if (size !== 'B') return { onlyWith: `sample/${model}-${sizeName}` };
    return runs ? {} : { onlyWith: name };
  };
  const llamaGenName = `sample/llamagen-${sizeName}/${weights}/batch-${batch}`;
  const llamaGen = sample(llamaGenName, group, variant, limited('llamagen', llamaGenName));
  const dpar = (patchesName: string, by: Patches['by'], runs?: boolean): Benchmark => {
    const name = `sample/dpar-${sizeName}/${patchesName}/${weights}/batch-${batch}`;
    const patches = { by, targetMeanPatchLength };
    return sample(name, group, { ...variant, patches }, limited('dpar', name, runs), llamaGen);
  };
  const entropySizes = size === 'B' ? (['T', 'B'] as const) : (['T'] as const);
  return [
    llamaGen,
    dpar('head', 'head'),
    ...entropySizes.flatMap((entropySize) => [
      dpar(`entropy-${entropySize.toLowerCase()}`, { size: entropySize, weights }),
      dpar(
        `entropy-${entropySize.toLowerCase()}-int8`,
        { size: entropySize, weights: 'int8' },
        usual && weights === 'float32',
      ),
    ]),
  ];
}

function queued(variant: Variant): Benchmark[] {
  const name = (model: string): string => `sample/queue/${model}-${variant.size.toLowerCase()}-${resolution}`;
  const group = 'sample/queue';
  const llamaGen = sample(name('llamagen'), group, variant, { maxRounds: 1 });
  const patches = { by: 'head', targetMeanPatchLength } as const;
  return [llamaGen, sample(name('dpar'), group, { ...variant, patches }, { maxRounds: 1 }, llamaGen)];
}

/** @param llamaGen Benchmark that one of DPAR is compared with. */
function sample(
  name: string,
  group: string,
  variant: Variant,
  settings: Pick<Benchmark, 'onlyWith' | 'maxRounds'>,
  llamaGen?: Benchmark,
): Benchmark {
  const { batch, patches } = variant;
  const images = imagesOf(variant);
  const yardstick = batch === 1 ? readBandwidth : gemmPeak;
  const usesPytorch = isInPytorch(variant);
  return {
    name,
    group,
    memoryBytes: expectedBytes(variant),
    uses: llamaGen ? [yardstick, llamaGen] : [yardstick],
    maxRounds: batch === 1 ? 3 : 2,
    reportsMemory: true,
    usesPytorch,
    ...settings,
    prepare: async (settings) => {
      const { measure } = await prepareSampling(variant, settings);
      if (!(usesPytorch && settings.pytorch)) return { measure };
      return { measure: async () => ({ ...(await measure()), ...(await sampleInPytorch(variant, settings.threads)) }) };
    },
    figures: (samples, figuresOf) => {
      const { seconds = Number.NaN, meanPatchLength = Number.NaN, ...others } = medians(samples);
      const floor = floorSeconds(variant, meanPatchLength, figuresOf);
      const secondsPerImage = seconds / images;
      const { secondsPerImage: compared } = llamaGen ? figuresOf(llamaGen.name) : {};
      return {
        tokensPerSecond: (images * gridSize ** 2) / seconds,
        secondsPerImage,
        ...(floor !== undefined && { floorRatio: seconds / floor }),
        ...(patches && { meanPatchLength }),
        ...(compared !== undefined && { speedupOverLlamagen: compared / secondsPerImage }),
        ...(patches && { speedupAtFloor: speedupAtFloor(variant, meanPatchLength) }),
        ...others,
      };
    },
  };
}

/** Speed of DPAR over LlamaGen if both needed only the time of the necessary reads (one image) or products (many). */
function speedupAtFloor(variant: Variant, meanPatchLength: number): number {
  const bound = variant.batch === 1 ? 'bytes' : 'flops';
  return llamaGenCost(llamaGenConfig(variant), variant.weights)[bound] / costOf(variant, meanPatchLength)[bound];
}

/**
 * Least time of all images in seconds: the time of the necessary reads for one image, of the necessary products for many.
 * Undefined if the run did not measure the speed of reads or products.
 */
function floorSeconds(variant: Variant, meanPatchLength: number, figuresOf: FiguresOf): number | undefined {
  const { bytes, flops } = costOf(variant, meanPatchLength);
  const { gigabytesPerSecond } = figuresOf(readBandwidth.name);
  const { gflops } = figuresOf(gemmPeak.name);
  if (variant.batch === 1) return gigabytesPerSecond && bytes / (1e9 * gigabytesPerSecond);
  return gflops && (imagesOf(variant) * flops) / (1e9 * gflops);
}

function costOf(variant: Variant, meanPatchLength: number): SamplingCost {
  const { weights, patches } = variant;
  if (patches === undefined) return llamaGenCost(llamaGenConfig(variant), weights);
  const { by } = patches;
  const entropyModel = by === 'head' ? undefined : { config: entropyConfig(by.size, gridSize), weights: by.weights };
  return dparCost(dparConfig(variant), weights, meanPatchLength, entropyModel);
}
