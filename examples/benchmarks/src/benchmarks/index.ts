import type { Benchmark } from '../benchmark.js';
import { engineBenchmarks } from './engines.js';
import { eventLoop } from './event-loop.js';
import { fid2048 } from './fid.js';
import { float16 } from './float16.js';
import { gemmPeak } from './gemm-peak.js';
import { inceptionFeatures } from './inception.js';
import { optimizerStep } from './optimizer.js';
import { patchifyOffline } from './patchify.js';
import { precisionRecall10000 } from './precision-recall.js';
import { quantisedLoss } from './quantised-loss.js';
import { readBandwidth } from './read-bandwidth.js';
import { queuedSampling, sampling } from './sample.js';
import { sampleCurve } from './sample-curve.js';
import { statistics50000 } from './statistics.js';
import { vqDecoding, vqEncoding } from './tokenizer.js';
import { trainStep } from './train-step.js';
import { tokenizerSteps } from './train-tokenizer.js';

/** All benchmarks. */
export const benchmarks: readonly Benchmark[] = [
  gemmPeak,
  readBandwidth,
  ...[4, 16].flatMap((batch) => [trainStep('dpar', 'b-256', batch), trainStep('llamagen', 'b-256', batch)]),
  ...(['dpar', 'llamagen'] as const).map((kind) => trainStep(kind, 'small', 32)),
  ...tokenizerSteps,
  optimizerStep,
  ...engineBenchmarks,
  ...sampling,
  ...queuedSampling,
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
  statistics50000,
  inceptionFeatures,
  vqEncoding,
  vqDecoding,
];
