import { frechetDistance, StatisticsAccumulator } from '@dpar/eval';
import { createRandom } from '@dpar/tensor';
import { type Benchmark, medians, secondsOf } from '../benchmark.js';

const columns = 2048;
const rows = 4096;

/** Two statistics of 2048 dimensions, of full rank, to their Fréchet distance. The statistics are made beforehand. */
export const fid2048: Benchmark = {
  name: 'eval/fid-2048',
  group: 'fid',
  prepare: async () => {
    const [a, b] = [1, 2].map((seed) => {
      const accumulator = new StatisticsAccumulator(columns);
      accumulator.add({ data: createRandom(seed).fillNormal(new Float32Array(rows * columns)), rows, columns });
      return accumulator.finish();
    });
    if (a === undefined || b === undefined) throw new Error('fid-2048: expected two statistics.');
    return { measure: async () => ({ seconds: await secondsOf(() => frechetDistance(a, b)) }) };
  },
  figures: medians,
  reportsMemory: true,
};
