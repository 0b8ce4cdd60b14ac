import { frechetDistance, StatisticsAccumulator } from '@dpar/eval';
import { createRandom } from '@dpar/tensor';
import { type Benchmark, medians, secondsOf } from '../benchmark.js';
import { runPython } from '../python.js';

const columns = 2048;
const rows = 4096;

/** Fréchet distance of two statistics of 2048 dimensions and full rank, and the same in SciPy. */
export const fid2048: Benchmark = {
  name: 'eval/fid-2048',
  group: 'fid',
  maxRounds: 2,
  prepare: async ({ threads }) => {
    const [a, b] = [1, 2].map((seed) => {
      const accumulator = new StatisticsAccumulator(columns);
      accumulator.add({ data: createRandom(seed).fillNormal(new Float32Array(rows * columns)), rows, columns });
      // Means play no part in the time, and the scripts are without them.
      return { ...accumulator.finish(), mean: new Float64Array(columns) };
    });
    if (a === undefined || b === undefined) throw new Error('fid-2048: expected two statistics.');
    return {
      measure: async () => {
        let distance = Number.NaN;
        const seconds = await secondsOf(() => {
          distance = frechetDistance(a, b).distance;
        });
        const python = await runPython('fid.py', [a.covariance, b.covariance], { threads });
        if (python === undefined) return { seconds };
        return {
          seconds,
          scipySeconds: python.seconds ?? Number.NaN,
          scipySymmetricSeconds: python.symmetricSeconds ?? Number.NaN,
          relativeDifference: Math.abs(distance / (python.symmetricDistance ?? Number.NaN) - 1),
        };
      },
    };
  },
  figures: medians,
  reportsMemory: true,
};
