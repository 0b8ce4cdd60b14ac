import { createMetricThreads } from '@dpar/eval/node';
import { createRandom } from '@dpar/tensor';
import { type Benchmark, medians, secondsOf } from '../benchmark.js';
import { runPython } from '../python.js';

/** Sizes of the two sets. */
interface SetSizes {
  readonly rows: number;
  readonly columns: number;
}

/** Dimensions in which the features vary. Fully random features would all be equally distant. */
const inner = 64;

/** Random combinations of a few features, slightly shifted, and cut off at 0 like features of Inception. */
function features({ rows, columns }: SetSizes, seed: number, shift: number): Float32Array {
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
  for (let i = 0; i < data.length; i++) data[i] = Math.max(0, data[i] as number);
  return data;
}

/** Improved precision and recall of two sets. @param numpy Measures the same in NumPy. */
function precisionRecallOf(sizes: SetSizes, { numpy, ...benchmark }: BenchmarkOptions): Benchmark {
  return {
    ...benchmark,
    group: 'precision-recall',
    maxRounds: 1,
    prepare: async ({ threads }) => {
      const [reference, samples] = [features(sizes, 1, 0), features(sizes, 2, 0.1)] as const;
      const metrics = createMetricThreads(threads);
      const [a, b] = [
        { data: reference, ...sizes },
        { data: samples, ...sizes },
      ] as const;
      return {
        measure: async () => {
          let found = { precision: Number.NaN, recall: Number.NaN };
          const seconds = await secondsOf(async () => {
            found = await metrics.precisionRecall(a, b);
          });
          const python = numpy ? await runPython('precision_recall.py', [reference, samples], { threads }) : undefined;
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
}

interface BenchmarkOptions extends Pick<Benchmark, 'name' | 'memoryBytes' | 'onlyWith'> {
  readonly numpy: boolean;
}

/** Sets of 10,000 images with 2048 features each. */
export const precisionRecall10000 = precisionRecallOf(
  { rows: 10_000, columns: 2048 },
  { name: 'eval/precision-recall-10000', memoryBytes: 1.5 * 2 ** 30, numpy: true },
);

const largest = 'eval/precision-recall-50000';

/** Sets of 50,000 images, as papers use, with the features of Inception-v3 and of DINOv2's ViT-L. They take many minutes. */
export const precisionRecall50000: readonly Benchmark[] = [2048, 1024].map((columns) =>
  precisionRecallOf(
    { rows: 50_000, columns },
    { name: `${largest}/${columns}`, memoryBytes: 2 * 2 ** 30, onlyWith: largest, numpy: false },
  ),
);

/** Differences between NumPy's precision and recall and ours. */
function differences(ours: Readonly<Record<string, number>>, theirs: Readonly<Record<string, number>>) {
  return {
    precisionDifference: Math.abs((ours.precision ?? Number.NaN) - (theirs.precision ?? Number.NaN)),
    recallDifference: Math.abs((ours.recall ?? Number.NaN) - (theirs.recall ?? Number.NaN)),
  };
}
