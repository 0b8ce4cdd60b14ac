import { createOrtEngine } from '@dpar/engine-ort';
import { createTfjsEngine, loadTfjs, type SkippedBackend } from '@dpar/engine-tfjs';
import { initializeParameters } from '@dpar/nn';
import { createRandom, type Engine, float32, int32, named } from '@dpar/tensor';
import { createLossAndGradients } from '@dpar/train';
import { type Benchmark, medians, type Settings, secondsOf } from '../benchmark.js';
import { trainedModel } from '../training/models.js';

/** Compared engines. */
const engines: Readonly<Record<string, (settings: Settings) => Promise<Engine>>> = {
  ort: ({ threads }) => createOrtEngine({ threads }),
  'tfjs/node': ({ threads }) => {
    // TensorFlow reads it when it is loaded.
    process.env.TF_NUM_INTRAOP_THREADS ??= `${threads}`;
    return createTfjsEngine({ backend: 'node' });
  },
  'tfjs/wasm': () => createTfjsEngine({ backend: 'wasm' }),
  'tfjs/cpu': () => createTfjsEngine({ backend: 'cpu' }),
};

/** Why an engine is missing here. */
const obstacles: Readonly<Record<string, () => Promise<string | undefined>>> = {
  'tfjs/node': async () => {
    try {
      await loadTfjs({ backend: 'node' });
      return undefined;
    } catch (error) {
      const { skipped = [] } = (error as Error).cause as { skipped?: readonly SkippedBackend[] };
      return skipped[0]?.reason ?? (error as Error).message;
    }
  },
};

/** Work that all engines do. */
interface Work {
  readonly name: string;
  readonly flops: number;
  /** Returns the function that is timed. */
  prepare(engine: Engine): () => Promise<unknown>;
}

const size = 512;

const matmul: Work = {
  name: 'matmul',
  flops: 2 * size ** 3,
  prepare: (engine) => {
    const product = engine.compile((ops, inputs) => ({ y: ops.matmul(named(inputs, 'a'), named(inputs, 'b')) }));
    const random = createRandom(1);
    const matrix = () => float32([size, size], random.fillNormal(new Float32Array(size ** 2)));
    const [inputs, into] = [{ a: matrix(), b: matrix() }, { y: matrix() }];
    return () => product.run(inputs, { into });
  },
};

const batch = 4;
const trained = trainedModel('llamagen', 'demo', batch);

const trainStep: Work = {
  name: 'train-step',
  // Forward, and backward with twice as many products.
  flops: 3 * 2 * batch * trained.macs,
  prepare: (engine) => {
    const { model } = trained;
    const { kind, config } = model;
    const parameters = initializeParameters(kind.specs(config), 1);
    const random = createRandom(4);
    // It starts at zero, with which most gradients would be zero too.
    random.fillNormal(named(parameters, 'output.weight').data as Float32Array, { std: 0.02 });
    const { blockSize: T, vocabSize, numClasses } = config;
    const below = (count: number, limit: number) => Int32Array.from({ length: count }, () => random.integer(limit));
    const inputs = kind.inputs(config, {
      tokens: int32([batch, T], below(batch * T, vocabSize)),
      labels: int32([batch], below(batch, numClasses)),
    });
    const step = createLossAndGradients(engine, model);
    return () => step.run(parameters, inputs);
  },
};

/** Benchmarks of one work on all engines. The others are compared with the first. */
function compare(work: Work): Benchmark[] {
  const [yardstick, ...others] = Object.entries(engines).map(([engine, create]): Benchmark => {
    const name = `engine-${engine}/${work.name}`;
    return {
      name,
      group: `engines/${work.name}`,
      maxRounds: 5,
      ...(obstacles[engine] && { obstacle: obstacles[engine] }),
      prepare: async (settings) => {
        const run = work.prepare(await create(settings));
        await run();
        return {
          measure: async () => {
            // The first after a pause, whose memory has become cold, is not what is wanted.
            await run();
            return { seconds: Math.min(await secondsOf(run), await secondsOf(run)) };
          },
        };
      },
      figures: (samples, figuresOf) => {
        const { seconds = Number.NaN } = medians(samples);
        const gflops = work.flops / seconds / 1e9;
        const { gflops: ort } = name === `engine-ort/${work.name}` ? {} : figuresOf(`engine-ort/${work.name}`);
        return { seconds, gflops, ...(ort !== undefined && { ortRatio: gflops / ort }) };
      },
    };
  });
  if (yardstick === undefined) return [];
  return [yardstick, ...others.map((other) => ({ ...other, uses: [yardstick] }))];
}

/** Benchmarks that compare the engines. */
export const engineBenchmarks: readonly Benchmark[] = [...compare(matmul), ...compare(trainStep)];
