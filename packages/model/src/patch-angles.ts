import type { KindsOf } from '@dpar/check';
import { bool, float32, type Ops } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import type { DparConfig } from './config.js';
import { dparConfigKinds } from './config.js';
import { patchRotaryRows } from './prepare.js';

/** Where patches are in their images, int32 [...]: their numbers, and their first and last tokens (included). */
export interface PatchPlaces<T> {
  readonly index: T;
  readonly first: T;
  readonly last: T;
}

const patchPlacesKinds: KindsOf<PatchPlaces<object>> = { index: 'Tensor', first: 'Tensor', last: 'Tensor', '*': 'any' };

/**
 * Rotary angles of patches, as `globalRotaryTable` has them, as part of a computation: rows of constant tables over tokens or
 * patch numbers. Each pair of a row depends on the number, on the first token or on the last token alone.
 * @returns [..., headDim]
 */
export function patchAngles<T>(ops: Ops<T>, config: DparConfig, patchPlaces: PatchPlaces<T>): T {
  checkArguments(
    'patchAngles',
    { ops, config, patchPlaces },
    { ops: 'Ops', config: dparConfigKinds, patchPlaces: patchPlacesKinds },
  );
  const { index, first, last } = patchPlaces;
  const headDim = config.dim / config.nHead;
  const numbered = config.embeddingType === null;
  // The place after the last token is that of padded patches and of the end-of-image token.
  const rows = config.blockSize + 1;
  const places = Array.from({ length: rows }, (_, i) => ({ index: i, start: i, length: 1 }));
  const table = ops.constant(float32([rows, headDim], patchRotaryRows(config, places)));
  if (numbered) return ops.takeRows(table, index);
  const [alone, longer] = [1, 2].map((length) => patchRotaryRows(config, [{ index: 0, start: 0, length }]));
  const byLast = Uint8Array.from({ length: headDim }, (_, i) => {
    const pair = i - (i % 2);
    return Number([pair, pair + 1].some((k) => alone?.[k] !== longer?.[k]));
  });
  const byFirst = ops.takeRows(table, first);
  return byLast.includes(1)
    ? ops.select(ops.constant(bool([headDim], byLast)), ops.takeRows(table, last), byFirst)
    : byFirst;
}
