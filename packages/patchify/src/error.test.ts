import { expect, it } from 'vitest';
import * as patchify from './index.js';

const { PatchifyError } = patchify;

it.each<readonly [string, () => unknown]>([
  ['patchLengths', () => patchify.patchLengths([Number.NaN, 1], { threshold: 1 })],
  ['patchLengths', () => (patchify.patchLengths as unknown as (entropies: number[]) => unknown)([5, 1, 3])],
  ['patchLengths', () => patchify.patchLengths([5, 1], { treshold: 1 } as object)],
  ['batchPatchLengths', () => patchify.batchPatchLengths(Float32Array.of(Number.NaN, 1), 2, { threshold: 1 })],
  ['batchPatchLengths', () => patchify.batchPatchLengths(new Float32Array(4), 2, {}, 1)],
  ['padPatchLengths', () => patchify.padPatchLengths([[1, 1]], { max: 1 })],
  ['padPatchLengths', () => patchify.padPatchLengths([[1, 1]], { max: 2, steps: 1 } as { max: number })],
  ['packPatchLengths', () => patchify.packPatchLengths([[1, -1]])],
  ['unpadPatchLengths', () => patchify.unpadPatchLengths({ dtype: 'int32', shape: [1, 1], data: Int32Array.of(-1) })],
  ['bucketSize', () => patchify.bucketSize(1, { max: 0 })],
  ['patchIds', () => patchify.patchIds([1, 0, 2])],
  ['patchSpans', () => patchify.patchSpans([1.5])],
  ['lengthsFromSpans', () => patchify.lengthsFromSpans({ starts: Int32Array.of(0), ends: Int32Array.of(-3) })],
  ['patchStatistics', () => patchify.patchStatistics([[1, -1]])],
  ['longestPatch', () => patchify.longestPatch('4' as unknown as number, {})],
])('%s is named by its own errors', (name, call) => {
  expect(call).toThrow(PatchifyError);
  expect(call).toThrow(new RegExp(`^${name}: expected `));
});
