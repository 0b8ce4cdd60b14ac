import type { Ops } from '@dpar/tensor';

/**
 * Dense index maps between tokens and patches, from `densePatches` of @dpar/patchify. B images, N predicted tokens, M
 * patches, P slots a patch.
 */
export interface PatchMaps<T> {
  /** int32 [B, M, P]: row b N + t of the token in each slot, -1 where a slot is empty. */
  readonly slotToken: T;
  /** int32 [B N]: slot (b M + m) P + p of each token. */
  readonly tokenSlot: T;
  /** bool [B, M, P]: slots that hold a token. The first slot of a padded patch is marked too: its softmax needs one. */
  readonly slotMask: T;
}

/** Lays token states out by patch: [B, N, D] -> [B, M, P, D], zeros in empty slots. */
export function tokensOfPatches<T>(ops: Ops<T>, tokens: T, maps: PatchMaps<T>): T {
  const [B = 0, N = 0, D = 0] = ops.shapeOf(tokens);
  return ops.takeRowsOnce(ops.reshape(tokens, [B * N, D]), maps.slotToken, maps.tokenSlot);
}

/** Copies the state of each patch to its tokens: [B, M, D] -> [B, N, D]. */
export function patchesOfTokens<T>(ops: Ops<T>, patches: T, maps: PatchMaps<T>): T {
  const [B = 0, M = 0, D = 0] = ops.shapeOf(patches);
  const P = ops.shapeOf(maps.slotMask)[2] ?? 0;
  const slots = ops.broadcast(ops.reshape(patches, [B, M, 1, D]), [B, M, P, D]);
  const rows = ops.takeRowsOnce(
    ops.reshape(slots, [B * M * P, D]),
    maps.tokenSlot,
    ops.reshape(maps.slotToken, [B * M * P]),
  );
  return ops.reshape(rows, [B, -1, D]);
}

/** Patch of each token, as an id that is unique in the batch: int32 [B, N]. */
export function patchOfTokens<T>(ops: Ops<T>, maps: PatchMaps<T>): T {
  const [B = 0, M = 0, P = 0] = ops.shapeOf(maps.slotMask);
  const ids = ops.broadcast(ops.reshape(ops.range(B * M), [B * M, 1]), [B * M, P]);
  return ops.reshape(ops.takeRows(ops.reshape(ids, [B * M * P]), maps.tokenSlot), [B, -1]);
}
