import type { Device } from '@dpar/engine-ort';
import type { Benchmark } from '../benchmark.js';
import { engineBenchmarks } from './engines.js';
import { eventLoop } from './event-loop.js';
import { fid2048 } from './fid.js';
import { float16 } from './float16.js';
import { gemmPeak } from './gemm-peak.js';
import { inceptionFeatures } from './inception.js';
import { onDevice } from './on-device.js';
import { optimizerStep } from './optimizer.js';
import { patchifyOffline } from './patchify.js';
import { precisionRecall10000, precisionRecall50000 } from './precision-recall.js';
import { quantisedLoss } from './quantised-loss.js';
import { readBandwidth } from './read-bandwidth.js';
import { queuedSampling, sampling } from './sample.js';
import { sampleCurve } from './sample-curve.js';
import { emojiSampling } from './sample-emoji.js';
import { statistics50000 } from './statistics.js';
import { vqDecoding, vqEncoding } from './tokenizer.js';
import { trainStep } from './train-step.js';
import { tokenizerSteps } from './train-tokenizer.js';

const kinds = ['dpar', 'llamagen'] as const;

/** Training steps of all models of the paper's sizes, and of those of `@dpar/emoji`. */
const trainSteps = [
  ...([4, 16] as const).flatMap((batch) => kinds.map((kind) => trainStep(kind, 'b-256', batch))),
  ...kinds.map((kind) => trainStep(kind, 'l-256', 4)),
  ...kinds.map((kind) => trainStep(kind, 'emoji', 16)),
];

/** Generation on GPUs: one image and 16, in float32, with a boundary head. */
const gpuSampling = /^sample\/(llamagen-(b|l)-256|dpar-(b|l)-256\/head)\/float32\/batch-(1|16)$/;

/** Benchmarks that also run on GPUs, the smallest models first. */
const forGpus = [
  gemmPeak,
  ...emojiSampling,
  ...trainSteps.filter(({ name }) => name.includes('emoji')),
  ...['b-256', 'l-256'].flatMap((size) =>
    [...trainSteps, ...sampling.filter(({ name }) => gpuSampling.test(name))].filter(({ name }) => name.includes(size)),
  ),
];

const onGpus = { webgpu: onDevice('webgpu', forGpus), cuda: onDevice('cuda', forGpus) };

/** Benchmarks of a device. Those of the CPU are the ones that also run on GPUs. */
export const benchmarksFor = (device: Device): readonly Benchmark[] => (device === 'cpu' ? forGpus : onGpus[device]);

/** All benchmarks. */
export const benchmarks: readonly Benchmark[] = [
  gemmPeak,
  readBandwidth,
  ...trainSteps,
  ...kinds.map((kind) => trainStep(kind, 'small', 32)),
  ...tokenizerSteps,
  optimizerStep,
  ...engineBenchmarks,
  ...sampling,
  ...queuedSampling,
  ...emojiSampling,
  ...eventLoop,
  ...[256, 384, 512].flatMap((resolution) => [sampleCurve('dpar', resolution), sampleCurve('llamagen', resolution)]),
  quantisedLoss('dpar', 'int8'),
  quantisedLoss('dpar', 'int4'),
  quantisedLoss('llamagen', 'int8'),
  quantisedLoss('llamagen', 'int4'),
  float16,
  patchifyOffline,
  fid2048,
  precisionRecall10000,
  ...precisionRecall50000,
  statistics50000,
  inceptionFeatures,
  vqEncoding,
  vqDecoding,
  ...onGpus.webgpu,
  ...onGpus.cuda,
];
