import { createMetricThreads } from '@dpar/eval/node';
import { createRandom } from '@dpar/tensor';
import { type Benchmark, medians, secondsOf } from '../benchmark.js';
import { runPython } from '../python.js';

const columns = 2048;
const rows = 10_000;

/** Dimensions in which the features vary. Fully random features would all be equally distant. */
const inner = 64;

/** Random combinations of a few features, slightly shifted, and cut off at 0 like features of Inception. */
function features(seed: number, shift: number): Float32Array {
  const mixing = createRandom(0).fillNormal(new Float32Array(inner * columns), { std: inner ** -0.5 });
  const random = createRandom(seed);
  const data = new Float32Array(rows * columns);
  const place = new Float32Array(inner);
  for (let i = 0; i < rows; i++) {
    random.fillNormal(place, { mean: shift });
    for (let j = 0; j < inner; j++) {
      const factor = place[j] as number;
      for (let c = 0; c < columns; c++) {
        const at = i * columns + c;
        data[at] = (data[at] as number) + factor * (mixing[j * columns + c] as number);
      }
    }
  }
  return data.map((value) => Math.max(0, value));
}

/** Improved precision and recall of two sets of 10,000 images with 2048 features each, and the same in NumPy. */
export const precisionRecall10000: Benchmark = {
  name: 'eval/precision-recall-10000',
  group: 'precision-recall',
  maxRounds: 1,
  memoryBytes: 1.5 * 2 ** 30,
  prepare: async ({ threads }) => {
    const [reference, samples] = [features(1, 0), features(2, 0.1)];
    const metrics = createMetricThreads(threads);
    const [a, b] = [reference, samples].map((data) => ({ data, rows, columns }));
    if (a === undefined || b === undefined) throw new Error('precision-recall-10000: expected two sets.');
    return {
      measure: async () => {
        let found = { precision: Number.NaN, recall: Number.NaN };
        const seconds = await secondsOf(async () => {
          found = await metrics.precisionRecall(a, b);
        });
        const python = await runPython('precision_recall.py', [reference, samples], { threads });
        return {
          seconds,
          ...found,
          ...(python && { numpySeconds: python.seconds ?? Number.NaN, ...differences(found, python) }),
        };
      },
    };
  },
  figures: medians,
  reportsMemory: true,
};

/** Differences between NumPy's precision and recall and ours. */
function differences(ours: Readonly<Record<string, number>>, theirs: Readonly<Record<string, number>>) {
  return {
    precisionDifference: Math.abs((ours.precision ?? Number.NaN) - (theirs.precision ?? Number.NaN)),
    recallDifference: Math.abs((ours.recall ?? Number.NaN) - (theirs.recall ?? Number.NaN)),
  };
}
