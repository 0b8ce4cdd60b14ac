import { dparPreset, llamaGenPreset, paperPatchRatios, presets } from '@dpar/model';
import type { WeightFormat } from '@dpar/tensor';
import { type Benchmark, type FiguresOf, medians } from '../benchmark.js';
import { dparCost, llamaGenCost, type SamplingCost } from '../sampling/floor.js';
import { expectedBytes, prepareSampling } from '../sampling/prepare.js';
import { type EntropyModelSize, entropyConfig, type Variant } from '../sampling/variant.js';
import { gemmPeak } from './gemm-peak.js';
import { readBandwidth } from './read-bandwidth.js';

const resolution = 256;
const gridSize = 16;
const targetMeanPatchLength = paperPatchRatios[resolution] ?? 1;

const formats = ['float32', 'int8', 'int4'] as const satisfies readonly WeightFormat[];
const entropySizes = ['T', 'B'] as const satisfies readonly EntropyModelSize[];

const llamaGenName = ({ weights, batch }: Variant): string =>
  `sample/llamagen-b-${resolution}/${weights}/batch-${batch}`;

/** Benchmarks of generation with base models at 256 px. Models of the same batch and format take turns. */
export function sampling(batch: number): Benchmark[] {
  return formats.flatMap((weights) => {
    const variant = { batch, gridSize, weights };
    const dpar = (size: EntropyModelSize, entropyFormat: WeightFormat, name: string): Benchmark =>
      sample(`sample/dpar-b-${resolution}/entropy-${name}/${weights}/batch-${batch}`, {
        ...variant,
        entropyModel: { size, weights: entropyFormat, targetMeanPatchLength },
      });
    return [
      sample(llamaGenName(variant), variant),
      ...entropySizes.map((size) => dpar(size, weights, size.toLowerCase())),
      // A quantised entropy model changes where patches begin, but not what the model itself computes.
      ...(weights === 'float32' ? entropySizes.map((size) => dpar(size, 'int8', `${size.toLowerCase()}-int8`)) : []),
    ];
  });
}

function sample(name: string, variant: Variant): Benchmark {
  const { batch, weights, entropyModel } = variant;
  return {
    name,
    group: `sample/batch-${batch}/${weights}`,
    memoryBytes: expectedBytes(variant),
    uses: [batch === 1 ? readBandwidth : gemmPeak],
    maxRounds: batch === 1 ? 3 : 2,
    reportsMemory: true,
    prepare: (settings) => prepareSampling(variant, settings),
    figures: (samples, figuresOf) => {
      const { seconds = Number.NaN, meanPatchLength = Number.NaN, ...stages } = medians(samples);
      const floor = floorSeconds(variant, meanPatchLength, figuresOf);
      const secondsPerImage = seconds / batch;
      const llamaGen = entropyModel && figuresOf(llamaGenName(variant)).secondsPerImage;
      return {
        tokensPerSecond: (batch * gridSize ** 2) / seconds,
        secondsPerImage,
        ...(floor !== undefined && { floorRatio: seconds / floor }),
        ...(entropyModel && { meanPatchLength }),
        ...(llamaGen !== undefined && { speedupOverLlamagen: llamaGen / secondsPerImage }),
        ...(entropyModel && { speedupAtFloor: speedupAtFloor(variant, meanPatchLength) }),
        ...stages,
      };
    },
  };
}

/** Speed of DPAR over LlamaGen if both needed only the time of the necessary reads (one image) or products (many). */
function speedupAtFloor(variant: Variant, meanPatchLength: number): number {
  const bound = variant.batch === 1 ? 'bytes' : 'flops';
  return llamaGenCost(llamaGenPreset(presets.B), variant.weights)[bound] / costOf(variant, meanPatchLength)[bound];
}

/**
 * Least time of a batch in seconds: the time of the necessary reads for one image, of the necessary products for many.
 * Undefined if the run did not measure the speed of reads or products.
 */
function floorSeconds(variant: Variant, meanPatchLength: number, figuresOf: FiguresOf): number | undefined {
  const { bytes, flops } = costOf(variant, meanPatchLength);
  const { gigabytesPerSecond } = figuresOf(readBandwidth.name);
  const { gflops } = figuresOf(gemmPeak.name);
  if (variant.batch === 1) return gigabytesPerSecond && bytes / (1e9 * gigabytesPerSecond);
  return gflops && (variant.batch * flops) / (1e9 * gflops);
}

function costOf({ weights, entropyModel }: Variant, meanPatchLength: number): SamplingCost {
  if (entropyModel === undefined) return llamaGenCost(llamaGenPreset(presets.B), weights);
  const entropy = entropyConfig(entropyModel.size, gridSize);
  const formats = { weights, entropyWeights: entropyModel.weights };
  return dparCost(dparPreset(presets.B), entropy, formats, meanPatchLength);
}
