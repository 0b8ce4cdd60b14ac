import { createOrtEngine } from '@dpar/engine-ort';
import { createRandom, float32, named } from '@dpar/tensor';
import { type Benchmark, type Figures, type FiguresOf, medians, secondsOf } from '../benchmark.js';

/** Rows, inner size and columns of the products: large squares, and what the layers of a base model multiply. */
const sizes = [
  [1024, 1024, 1024],
  [2048, 2048, 2048],
  [1024, 768, 2048],
  [1024, 768, 16384],
  [2048, 2048, 768],
] as const;

/** Products of one size in a sample, of which the fastest counts. */
const repeats = 3;

/** Peak of a bare matrix product, with which training steps are compared. */
export const gemmPeak: Benchmark = {
  name: 'gemm-peak',
  group: 'always',
  prepare: async ({ threads }) => {
    const engine = await createOrtEngine({ threads });
    const random = createRandom(1);
    const product = engine.compile((ops, inputs) => ({ y: ops.matmul(named(inputs, 'a'), named(inputs, 'b')) }));
    const cases = sizes.map(([m, k, n]) => {
      const matrix = (rows: number, columns: number) =>
        float32([rows, columns], random.fillNormal(new Float32Array(rows * columns)));
      const inputs = { a: matrix(m, k), b: matrix(k, n) };
      const into = { into: { y: float32([m, n]) } };
      return { name: `${m}x${k}x${n}`, flops: 2 * m * k * n, run: () => product.run(inputs, into) };
    });
    for (const { run } of cases) await run();
    return {
      measure: async () => {
        const sample: Record<string, number> = {};
        for (const { name, flops, run } of cases) {
          let best = Number.POSITIVE_INFINITY;
          for (let i = 0; i < repeats; i++) best = Math.min(best, await secondsOf(run));
          sample[name] = flops / best / 1e9;
        }
        return sample;
      },
    };
  },
  figures: (samples) => ({ gflops: Math.max(...Object.values(medians(samples))) }),
};

/** Speed of work of so many operations, and its share of the peak if that was measured in the same run. */
export function speedOf(gflop: number, seconds: number, figuresOf: FiguresOf): Figures {
  const gflops = gflop / seconds;
  const { gflops: peak } = figuresOf(gemmPeak.name);
  return { gflops, ...(peak !== undefined && { peakShare: gflops / peak }) };
}
