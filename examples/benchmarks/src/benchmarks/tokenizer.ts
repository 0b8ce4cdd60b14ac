import { createOrtEngine } from '@dpar/engine-ort';
import { initializeParameters } from '@dpar/nn';
import { createRandom, float32, int32 } from '@dpar/tensor';
import { createTokenizer, type ImageTokenizer, tokenizerMacs, vqKind, vqPresets } from '@dpar/tokenizer';
import { type Benchmark, medians, secondsOf } from '../benchmark.js';
import { gemmPeak, speedOf } from './gemm-peak.js';

const config = vqPresets['VQ-16'];

/** Images of a measurement. */
const count = 2;

/** Images of 256 px to codes by LlamaGen's VQ-16. Random weights. */
export const vqEncoding = vqBenchmark('encode', (tokenizer) => {
  const data = createRandom(5).fillUniform(new Float32Array(count * 3 * 256 * 256), { low: -1, high: 1 });
  const images = float32([count, 3, 256, 256], data);
  return () => tokenizer.encode(images);
});

/** Codes to images of 256 px by LlamaGen's VQ-16. Random weights. */
export const vqDecoding = vqBenchmark('decode', (tokenizer) => {
  const random = createRandom(6);
  const codes = Int32Array.from({ length: count * 256 }, () => random.integer(config.codebookSize));
  return () => tokenizer.decode(int32([count, 256], codes));
});

function vqBenchmark(
  direction: 'encode' | 'decode',
  work: (tokenizer: ImageTokenizer) => () => Promise<unknown>,
): Benchmark {
  return {
    name: `tokenizer/vq-16/${direction}`,
    group: `tokenizer-${direction}`,
    uses: [gemmPeak],
    maxRounds: 3,
    memoryBytes: 2 ** 31,
    reportsMemory: true,
    prepare: async ({ threads }) => {
      const engine = await createOrtEngine({ threads });
      const run = work(
        createTokenizer(engine, { kind: vqKind, config, parameters: initializeParameters(vqKind.specs(config), 4) }),
      );
      await run();
      const gflop = (2 * count * tokenizerMacs({ kind: vqKind, config })[direction]) / 1e9;
      return { measure: async () => ({ seconds: await secondsOf(run), gflop }) };
    },
    figures: (samples, figuresOf) => {
      const { seconds = Number.NaN, gflop = Number.NaN } = medians(samples);
      return { imagesPerSecond: count / seconds, ...speedOf(gflop, seconds, figuresOf) };
    },
  };
}
