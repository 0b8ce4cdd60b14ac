import { StatisticsAccumulator } from '@dpar/eval';
import { createRandom } from '@dpar/tensor';
import { type Benchmark, medians, secondsOf } from '../benchmark.js';
import { runPython } from '../python.js';

const columns = 2048;
const rows = 1000;
const pieces = 50;

/** Mean and covariance of 50,000 x 2048 features in pieces of 1000, and the same in NumPy. */
export const statistics50000: Benchmark = {
  name: 'eval/statistics-50000',
  group: 'statistics',
  maxRounds: 1,
  prepare: async ({ threads }) => {
    // What the numbers are makes no difference to the time: all pieces are one.
    const data = createRandom(1).fillNormal(new Float32Array(rows * columns));
    return {
      measure: async () => {
        const seconds = await secondsOf(() => {
          const accumulator = new StatisticsAccumulator(columns);
          for (let i = 0; i < pieces; i++) accumulator.add({ data, rows, columns });
          return accumulator.finish();
        });
        const python = await runPython('covariance.py', [data], { threads });
        return { seconds, ...(python && { numpySeconds: python.seconds ?? Number.NaN }) };
      },
    };
  },
  figures: medians,
  reportsMemory: true,
};
