import { createOrtEngine } from '@dpar/engine-ort';
import { createRandom, type Engine, float32, type HostTensor, named, type TensorFunction } from '@dpar/tensor';
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

/** A product that is timed. */
interface Product {
  readonly flops: number;
  run(): Promise<unknown>;
}

/** Peak of a bare matrix product, with which training steps are compared. */
export const gemmPeak: Benchmark = {
  name: 'gemm-peak',
  group: 'always',
  prepare: async ({ threads, device }) => {
    const engine = await createOrtEngine({ threads, device });
    const random = createRandom(1);
    const cases: (Product & { readonly name: string })[] = [];
    for (const [m, k, n] of sizes) {
      const matrix = (rows: number, columns: number) => {
        const data = random.fillNormal(new Float32Array(rows * columns), { std: columns ** -0.5 });
        return float32([rows, columns], data);
      };
      const product = device === 'cpu' ? onCpu(engine, matrix, [m, k, n]) : await onGpu(engine, matrix, [m, k, n]);
      await product.run();
      cases.push({ ...product, name: `${m}x${k}x${n}` });
    }
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

/** Makes a random matrix. */
type MatrixMaker = (rows: number, columns: number) => HostTensor;
type Size = readonly [m: number, k: number, n: number];

/** One product. */
function onCpu(engine: Engine, matrix: MatrixMaker, [m, k, n]: Size): Product {
  const product = engine.compile((ops, inputs) => ({ y: ops.matmul(named(inputs, 'a'), named(inputs, 'b')) }));
  const [inputs, into] = [{ a: matrix(m, k), b: matrix(k, n) }, { into: { y: float32([m, n]) } }];
  return { flops: 2 * m * k * n, run: () => product.run(inputs, into) };
}

/** Seconds that a chain of products takes, so that its start and the copy of its input do not count. */
const chainSeconds = 0.1;

/** Most pairs of products in a chain. */
const longestChain = 100;

/**
 * A chain of products with matrices that lie on the device, to [k, n] and back to [n, k]. Only a row and a number move
 * between the devices.
 */
async function onGpu(engine: Engine, matrix: MatrixMaker, [m, k, n]: Size): Promise<Product> {
  const constants = { x: matrix(m, k), there: matrix(k, n), back: matrix(n, k) };
  const one = float32([1, k], new Float32Array(k).fill(1));
  const chain = (pairs: number): Product => {
    const fn: TensorFunction = (ops, inputs) => {
      let x = ops.mul(named(inputs, 'x'), named(inputs, 'one')); // [m, k], not known before the run
      for (let pair = 0; pair < pairs; pair++) {
        x = ops.matmul(ops.matmul(x, named(inputs, 'there')), named(inputs, 'back'));
      }
      return { y: ops.sum(x) };
    };
    const compiled = engine.compile(fn, { constants });
    return { flops: 2 * pairs * 2 * m * k * n, run: () => compiled.run({ one }) };
  };
  const pair = chain(1);
  await pair.run();
  const seconds = await secondsOf(pair.run);
  return chain(Math.min(longestChain, Math.max(1, Math.round(chainSeconds / seconds))));
}

/** Speed of work of so many operations, and its share of the peak if that was measured in the same run. */
export function speedOf(gflop: number, seconds: number, figuresOf: FiguresOf): Figures {
  const gflops = gflop / seconds;
  const { gflops: peak } = figuresOf(gemmPeak.name);
  return { gflops, ...(peak !== undefined && { peakShare: gflops / peak }) };
}
