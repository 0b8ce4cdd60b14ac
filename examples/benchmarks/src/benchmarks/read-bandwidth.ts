import { createOrtEngine } from '@dpar/engine-ort';
import { createRandom, float32, named, type TensorFunction } from '@dpar/tensor';
import { type Benchmark, medians, secondsOf } from '../benchmark.js';

/** Shape of the array that is read: 512 MiB, more than caches hold. */
const [rows, columns] = [8192, 16384] as const;

const functions: Readonly<Record<string, TensorFunction>> = {
  sum: (ops, inputs) => ({ y: ops.sum(named(inputs, 'x'), { axes: -1 }) }),
  max: (ops, inputs) => ({ y: ops.max(named(inputs, 'x'), { axes: -1 }) }),
  // One token through a layer: what generation does all the time.
  product: (ops, inputs) => ({ y: ops.matmul(named(inputs, 'one'), named(inputs, 'x'), { transposeB: true }) }),
};

/** Speed of reading memory, the bound of generating one image: it reads all weights for each token. */
export const readBandwidth: Benchmark = {
  name: 'read-bandwidth',
  group: 'always',
  memoryBytes: 1.5 * 4 * rows * columns,
  prepare: async ({ threads }) => {
    const engine = await createOrtEngine({ threads });
    const random = createRandom(2);
    const x = float32([rows, columns]);
    const noise = random.fillNormal(new Float32Array(columns));
    for (let row = 0; row < rows; row++) x.data.set(noise, row * columns);
    const one = float32([1, columns], noise);
    const runs = Object.entries(functions).map(([name, fn]) => {
      const compiled = engine.compile(fn);
      const inputs = name === 'product' ? { x, one } : { x };
      return { name, run: () => compiled.run(inputs) };
    });
    for (const { run } of runs) await run();
    return {
      measure: async () => {
        const sample: Record<string, number> = {};
        for (const { name, run } of runs) sample[name] = x.data.byteLength / (await secondsOf(run)) / 1e9;
        return sample;
      },
    };
  },
  figures: (samples) => ({ gigabytesPerSecond: Math.max(...Object.values(medians(samples))) }),
};
