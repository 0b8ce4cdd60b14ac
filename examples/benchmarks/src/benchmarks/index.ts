import type { Benchmark } from '../benchmark.js';
import { fid2048 } from './fid.js';
import { gemmPeak } from './gemm-peak.js';
import { patchifyOffline } from './patchify.js';
import { readBandwidth } from './read-bandwidth.js';
import { trainStep } from './train-step.js';

/** All benchmarks. */
export const benchmarks: readonly Benchmark[] = [
  gemmPeak,
  readBandwidth,
  ...[4, 16].flatMap((batch) => [trainStep('dpar', batch), trainStep('llamagen', batch)]),
  patchifyOffline,
  fid2048,
];
