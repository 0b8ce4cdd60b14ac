/** Pieces that come only as long as the work is not aborted. */
export function interruptible(
  chunks: () => AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for await (const piece of chunks()) {
      signal?.throwIfAborted();
      yield piece;
    }
  }
  return { [Symbol.asyncIterator]: pieces };
}
