import type { KindsOf } from '@dpar/check';
import { rotaryLayout } from '@dpar/rope';
import { bool, float32, type Ops } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparConfigKinds } from './config.js';
import { patchRotaryRows } from './prepare.js';

/** Places of patches in their images, int32 [...]: numbers of the patches, and of their first and last tokens. */
export interface PatchPlaces<T> {
  readonly index: T;
  readonly first: T;
  readonly last: T;
}

const patchPlacesKinds: KindsOf<PatchPlaces<object>> = { index: 'Tensor', first: 'Tensor', last: 'Tensor', '*': 'any' };

/**
 * Rotary angles of `globalRotaryTable` inside a computation: rows of one constant table. Each pair is rotated by one
 * coordinate (Equation S2), which follows from the patch's number, its first token or its last token.
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
  // Row i is that of patch number i with the single token i. The last row serves padded patches and the end-of-image token.
  const rows = config.blockSize + 1;
  const places = Array.from({ length: rows }, (_, i) => ({ index: i, start: i, length: 1 }));
  const table = ops.constant(float32([rows, headDim], patchRotaryRows(config, places)));
  if (config.embeddingType === null) return ops.takeRows(table, index);
  const byFirst = ops.takeRows(table, first);
  const byLast = rotaryLayout(config.embeddingType, headDim).flatMap(({ coordinate, pairs }) =>
    new Array<number>(2 * pairs).fill(coordinate === 'lastColumn' ? 1 : 0),
  );
  if (!byLast.includes(1)) return byFirst;
  return ops.select(ops.constant(bool([headDim], byLast)), ops.takeRows(table, last), byFirst);
}
