import { writePatchLengths } from '@dpar/patchify';
import { createRandom } from '@dpar/tensor';
import { type Benchmark, medians, secondsOf } from '../benchmark.js';

const images = 8192;
const tokens = 256;
const options = { threshold: 7.8, maxPatchLength: 4, rowLength: 16 };

/** Algorithm 1 over the entropies of whole images. */
export const patchifyOffline: Benchmark = {
  name: 'patchify/offline',
  group: 'always',
  prepare: async () => {
    const entropies = createRandom(3).fillUniform(new Float32Array(images * (tokens - 1)), { low: 6, high: 9 });
    const rows = Array.from({ length: images }, (_, i) => entropies.subarray(i * (tokens - 1), (i + 1) * (tokens - 1)));
    const lengths = new Int32Array(tokens);
    const run = (): void => {
      for (const row of rows) writePatchLengths(lengths, row, options);
    };
    run();
    return { measure: async () => ({ tokensPerSecond: (images * tokens) / (await secondsOf(run)) }) };
  },
  figures: medians,
};
