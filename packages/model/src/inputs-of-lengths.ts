import type { Ops } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparConfigKinds } from './config.js';
import type { DparInputs } from './dpar.js';
import { patchAngles } from './patch-angles.js';
import { patchSlots } from './prepare.js';

/**
 * Inputs of {@link dparInputs}, computed by the graph itself, for exported graphs that take patch lengths. Nothing is checked.
 * @param tokens int32 [B, T]
 * @param labels int32 [B]; `numClasses` is the null class
 * @param patchLengths int32 [B, M] over all N predicted tokens, padded with zeros; at most `slots` each
 * @param slots Slots P a patch; by default what the configuration's patching needs.
 */
export function inputsOfLengths<T>(
  ops: Ops<T>,
  config: DparConfig,
  tokens: T,
  labels: T,
  patchLengths: T,
  slots?: number,
): DparInputs<T> {
  checkArguments(
    'inputsOfLengths',
    { ops, config, tokens, labels, patchLengths, slots },
    {
      ops: 'Ops',
      config: dparConfigKinds,
      tokens: 'Tensor',
      labels: 'Tensor',
      patchLengths: 'Tensor',
      'slots?': 'number',
    },
  );

  const [B = 0, M = 0] = ops.shapeOf(patchLengths);
  const N = config.blockSize + (config.predictEoiToken ? 1 : 0);
  const P = slots ?? patchSlots(config);
  const floats = (x: T): T => ops.cast(x, 'float32');
  const ints = (x: T): T => ops.cast(x, 'int32');

  const order = ops.range(M);
  const upTo = ops.lessEqual(ops.reshape(order, [M, 1]), ops.reshape(order, [1, M])); // [M, M]
  const lengths = floats(patchLengths); // [B, M]
  const ends = ops.matmul(lengths, floats(upTo)); // [B, M], tokens up to the end of each patch
  const starts = ops.sub(ends, lengths); // [B, M]; N for padded patches

  // The patch of each token, and the token's place in it.
  const position = ops.reshape(floats(ops.range(N)), [1, N, 1]);
  const ended = ops.lessEqual(ops.reshape(ends, [B, 1, M]), position); // [B, N, M]
  const begun = ops.lessEqual(ops.reshape(starts, [B, 1, M]), position); // [B, N, M]
  const patch = ops.sum(floats(ended), { axes: 2 }); // [B, N]
  const start = ops.max(ops.select(begun, ops.reshape(starts, [B, 1, M]), 0), { axes: 2 }); // [B, N]
  const place = ops.sub(ops.reshape(position, [1, N]), start); // [B, N]
  const slotInImage = ints(ops.add(ops.mul(patch, P), place)); // [B, N]
  const tokenSlot = ops.add(slotInImage, firstOfRows(ops, B, M * P)); // [B, N]

  const slot = ops.range(P);
  const within = ops.reshape(floats(slot), [1, 1, P]);
  const length = ops.reshape(lengths, [B, M, 1]);
  const tokenInImage = ops.add(ops.reshape(ints(starts), [B, M, 1]), ops.reshape(slot, [1, 1, P])); // [B, M, P]
  const token = ops.add(tokenInImage, ops.reshape(firstOfRows(ops, B, N), [B, 1, 1])); // [B, M, P]
  const empty = ops.constant({ dtype: 'int32', shape: [], data: Int32Array.of(-1) });

  const most = (x: T): T => ops.minimum(ops.maximum(x, 0), N - 1);
  const places = { index: order, first: ints(most(starts)), last: ints(most(ops.sub(ends, 1))) };
  const angles = patchAngles(ops, config, places); // [M or B M, headDim]
  const half = config.dim / config.nHead / 2;
  const tables = config.embeddingType === null ? 1 : B;
  const table = ops.reshape(angles, [tables, M, half, 2]);
  return {
    tokens,
    labels,
    slotToken: ops.select(ops.less(within, length), token, empty),
    tokenSlot: ops.reshape(tokenSlot, [B * N]),
    slotMask: ops.less(within, ops.maximum(length, 1)),
    // The class position, whose angles are (0, 0), then patches 0..M - 2.
    globalTable: ops.pad(ops.slice(table, 1, 0, M - 1), 1, 1, 0),
  };
}

/** Index of the first element of each of B rows of `width` elements: int32 [B, 1]. */
function firstOfRows<T>(ops: Ops<T>, B: number, width: number): T {
  return ops.slice(ops.reshape(ops.range(B * width), [B, width]), 1, 0, 1);
}
