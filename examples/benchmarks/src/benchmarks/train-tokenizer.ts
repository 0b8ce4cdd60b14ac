import { createOrtEngine } from '@dpar/engine-ort';
import { architectureOf, initializeParameters, kindOfConfig } from '@dpar/nn';
import { countMacs, createRandom, type TensorType } from '@dpar/tensor';
import { defaultLossWeights, type TokenizerArchitecture, tokenizerGradients, tokenizerKinds } from '@dpar/tokenizer';
import { memoryPictures, type StepMetrics, TokenizerTrainer } from '@dpar/train';
import { type Benchmark, medians } from '../benchmark.js';
import { gemmPeak, speedOf } from './gemm-peak.js';

/** Consecutive steps of a measurement. */
const consecutive = 3;

/** Pictures that batches are taken from. */
const pictures = 32;

const loss = { weights: defaultLossWeights };

/** A tokenizer whose training is measured. */
interface TrainedTokenizer {
  /** In the benchmark's name. */
  readonly name: string;
  /** Keys of its config.json. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly batch: number;
  /** Expected bytes of the process, measured. */
  readonly memoryBytes: number;
}

/** The tokenizers whose training is measured. */
const trained: readonly TrainedTokenizer[] = [
  {
    name: 'vq/small-64',
    settings: {
      kind: 'vq',
      ch: 64,
      ch_mult: [1, 1],
      num_res_blocks: 1,
      z_channels: 64,
      codebook_size: 1024,
      codebook_embed_dim: 8,
      patch_size: 2,
      image_size: 64,
    },
    batch: 16,
    memoryBytes: 2 ** 29,
  },
  { name: 'vq/vq-16-256', settings: { kind: 'vq', preset: 'VQ-16' }, batch: 1, memoryBytes: 4 * 2 ** 30 },
  {
    name: 'patch-vq/64',
    settings: { kind: 'patch-vq', image_size: 64, patch_size: 4, codebook_size: 1024, hidden_dim: 256 },
    batch: 16,
    memoryBytes: 2 ** 28,
  },
];

/**
 * Whole optimizer steps of tokenizers, without a discriminator and a perceptual network: forward and backward pass, clipping and
 * AdamW, for random pictures in memory.
 */
export const tokenizerSteps: readonly Benchmark[] = trained.map(({ name, settings, batch, memoryBytes }) => {
  const architecture = architectureOf(kindOfConfig('tokenizerSteps', tokenizerKinds, settings), settings);
  return {
    name: `train-step/${name}/batch-${batch}`,
    group: `train-step/${name}`,
    memoryBytes,
    maxRounds: 3,
    uses: [gemmPeak],
    reportsMemory: true,
    prepare: async ({ threads }) => {
      const steps = (await startTrainer(architecture, batch, threads)).run();
      const next = async () => (await steps.next()).value as StepMetrics;
      await next(); // compiles
      const gflop = (2 * macsOf(architecture, batch)) / 1e9;
      return {
        measure: async () => {
          await next(); // after a pause, whose memory has become cold
          const measured: StepMetrics[] = [];
          while (measured.length < consecutive) measured.push(await next());
          return {
            gflop,
            ...medians(measured.map(({ seconds, optimizerSeconds }) => ({ seconds, optimizerSeconds }))),
          };
        },
      };
    },
    figures: (samples, figuresOf) => {
      const { seconds = Number.NaN, gflop = Number.NaN, ...parts } = medians(samples);
      return { seconds, imagesPerSecond: batch / seconds, ...speedOf(gflop, seconds, figuresOf), ...parts };
    },
  };
});

async function startTrainer(
  architecture: TokenizerArchitecture,
  batch: number,
  threads: number,
): Promise<TokenizerTrainer> {
  const { kind, config } = architecture;
  const size = config.imageSize;
  const random = createRandom(7);
  const pixels = Uint8Array.from({ length: pictures * 3 * size * size }, () => random.integer(256));
  return new TokenizerTrainer({
    engine: await createOrtEngine({ threads }),
    model: { ...architecture, parameters: initializeParameters(kind.specs(config), 1) },
    data: memoryPictures(pixels, { size, batchSize: batch, seed: 0 }),
    steps: 1e6,
    batchSize: batch,
    seed: 0,
    loss,
    keepsCodebook: true,
    reviveAfter: 0,
  });
}

/** Multiply-accumulates of all convolutions and products of a step, forward and backward. */
function macsOf(architecture: TokenizerArchitecture, batch: number): number {
  const { kind, config } = architecture;
  const type = (shape: readonly number[]): TensorType => ({ dtype: 'float32', shape });
  const tensors = Object.fromEntries(
    Object.entries(kind.specs(config)).map(([name, { shape }]) => [name, type(shape)] as const),
  );
  const images = type([batch, 3, config.imageSize, config.imageSize]);
  return countMacs((ops) => tokenizerGradients(ops, architecture, loss, tensors, images));
}
