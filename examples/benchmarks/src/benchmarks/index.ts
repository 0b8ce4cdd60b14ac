import type { Benchmark } from '../benchmark.js';
import { fid2048 } from './fid.js';
import { gemmPeak } from './gemm-peak.js';
import { inceptionFeatures } from './inception.js';
import { optimizerStep } from './optimizer.js';
import { patchifyOffline } from './patchify.js';
import { quantisedLoss } from './quantised-loss.js';
import { readBandwidth } from './read-bandwidth.js';
import { sampling } from './sample.js';
import { sampleCurve } from './sample-curve.js';
import { vqDecoding, vqEncoding } from './tokenizer.js';
import { trainStep } from './train-step.js';

/** All benchmarks. */
export const benchmarks: readonly Benchmark[] = [
  gemmPeak,
  readBandwidth,
  ...[4, 16].flatMap((batch) => [trainStep('dpar', 'b-256', batch), trainStep('llamagen', 'b-256', batch)]),
  ...(['dpar', 'llamagen'] as const).map((kind) => trainStep(kind, 'small', 32)),
  optimizerStep,
  ...sampling(1),
  ...sampling(16),
  ...[256, 384, 512].flatMap((resolution) => [sampleCurve('dpar', resolution), sampleCurve('llamagen', resolution)]),
  quantisedLoss('dpar', 'int8'),
  quantisedLoss('dpar', 'int4'),
  quantisedLoss('llamagen', 'int8'),
  quantisedLoss('llamagen', 'int4'),
  patchifyOffline,
  fid2048,
  inceptionFeatures,
  vqEncoding,
  vqDecoding,
];
