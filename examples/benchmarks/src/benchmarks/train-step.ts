import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOrtEngine } from '@dpar/engine-ort';
import type { MemoryCount } from '@dpar/model';
import { initializeParameters } from '@dpar/nn';
import { median } from '@dpar/report';
import { createRandom, named } from '@dpar/tensor';
import { type StepMetrics, Trainer } from '@dpar/train';
import { createOptimizerThreadFor, openTrainingData } from '@dpar/train/node';
import { type Benchmark, type BenchmarkSettings, medians, type Sample } from '../benchmark.js';
import { PythonPeer } from '../peers/python-peer.js';
import { type ModelSize, type TrainedModel, trainedModel } from '../training/models.js';
import { writeShards } from '../training/shards.js';
import { gemmPeak, speedOf } from './gemm-peak.js';

/** Forward pass, and a backward pass with twice its products. */
const passes = 3;

/** Consecutive steps of a measurement. */
const consecutive = 3;

/** Sizes that run by default. Others run if their name is selected. */
const usual: readonly ModelSize[] = ['b-256', 'small'];

/** Dropout of the paper. */
const dropout = { token: 0.1, residual: 0.1, feedForward: 0.1 };

/**
 * Whole optimizer steps in the paper's setting, with random tokens: batches read from shards on disk, dropout, forward
 * and backward pass, clipping and AdamW.
 */
export function trainStep(kind: 'dpar' | 'llamagen', size: ModelSize, batch: number): Benchmark {
  const trained = trainedModel(kind, size, batch);
  const gflop = (2 * passes * batch * trained.macs) / 1e9;
  return {
    name: `train-step/${trained.name}/batch-${batch}`,
    group: `train-step/${size}/batch-${batch}`,
    memoryBytes: expectedBytes(trained.memory),
    // The peak takes longer than steps of the smallest model, above all on a software device.
    uses: size === 'emoji' ? [] : [gemmPeak],
    reportsMemory: true,
    usesPytorch: trained.pytorch !== undefined,
    ...(usual.includes(size) ? {} : { onlyWith: `train-step/${trained.name}` }),
    prepare: async (settings) => {
      const { threads, pytorch } = settings;
      const steps = (await startTrainer(trained, settings)).run();
      const next = async () => (await steps.next()).value as StepMetrics;
      let { graphs } = await next();
      return {
        measure: async () => {
          const steps: StepMetrics[] = [];
          for (let unsettled = 1; steps.length < consecutive; ) {
            const metrics = await next();
            // Steps follow one another in a run: the first after a pause, whose memory has become cold, and those that
            // compile a graph are not what it consists of.
            if (metrics.graphs > graphs) unsettled = 1;
            else if (unsettled > 0) unsettled--;
            else steps.push(metrics);
            graphs = metrics.graphs;
          }
          return { ...medians(steps.map(sampleOf)), ...(pytorch && (await pytorchStep(trained, threads))) };
        },
      };
    },
    figures: (samples, figuresOf) => {
      const { seconds = Number.NaN, ...parts } = medians(samples);
      return { seconds, imagesPerSecond: batch / seconds, ...speedOf(gflop, seconds, figuresOf), ...parts };
    },
  };
}

function sampleOf({ seconds, waitSeconds, optimizerSeconds, paddingShare }: StepMetrics) {
  return { seconds, waitSeconds, optimizerSeconds, paddingShare };
}

/** Measures the same steps of a base LlamaGen in eager PyTorch, if it is installed. */
async function pytorchStep({ pytorch, batch }: TrainedModel, threads: number): Promise<Sample> {
  if (pytorch === undefined) return {};
  const settings = { model: pytorch, images: batch, drop: dropout.residual, variants: ['eager'] };
  const python = await PythonPeer.start('train_step.py', { threads, settings });
  if (typeof python === 'string' || !python.has('eager')) return {};
  try {
    // The first one has the moments to allocate, and memory that is cold.
    await python.seconds('eager');
    const seconds = [];
    while (seconds.length < consecutive) seconds.push(await python.seconds('eager'));
    return { pytorchSeconds: median(seconds) };
  } finally {
    await python.stop();
  }
}

async function startTrainer({ model, batch }: TrainedModel, { threads, device }: BenchmarkSettings): Promise<Trainer> {
  const engine = await createOrtEngine({ threads, device });
  const parameters = initializeParameters(model.kind.specs(model.config), 1);
  // It starts at zero, with which most gradients would be zero too.
  createRandom(5).fillNormal(named(parameters, 'output.weight').data as Float32Array, { std: 0.02 });
  const folder = await mkdtemp(join(tmpdir(), 'dpar-bench-'));
  await writeShards(folder, model);
  const data = await openTrainingData(engine, model, { tokens: folder });
  const optimizerThread = createOptimizerThreadFor(parameters);
  const settings = { batchSize: batch, steps: 1e6, seed: 0, dropout, optimizerThread };
  return new Trainer({ engine, model: { ...model, parameters }, ...data, ...settings });
}

/** Bytes of weights, gradients, optimizer and activations. ONNX Runtime keeps fewer activations than are counted. */
function expectedBytes({ weights, gradients, optimizer, activations }: MemoryCount): number {
  return weights + gradients + optimizer + activations;
}
