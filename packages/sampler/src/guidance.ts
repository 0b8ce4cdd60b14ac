/**
 * Classifier-free guidance: null + scale (conditional - null), in place of the conditional logits.
 * @param logits [2 B, V]: conditional rows, then null rows; the first B rows are overwritten
 * @returns The first B rows, [B, V], or all rows if there are no null rows.
 */
export function guide(logits: Float32Array, rows: number, vocabSize: number, scale: number): Float32Array {
  const size = rows * vocabSize;
  if (logits.length === size) return logits;
  for (let i = 0; i < size; i++) {
    const unconditional = logits[size + i] as number;
    logits[i] = unconditional + scale * ((logits[i] as number) - unconditional);
  }
  return logits.subarray(0, size);
}
