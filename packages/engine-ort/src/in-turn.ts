let last: Promise<unknown> = Promise.resolve();

/**
 * Carries out calls one after the other, in the order in which they come. Runs of onnxruntime-web need it: each keeps its
 * inputs and outputs on WebAssembly's one stack while it waits, where a run that overlaps overwrites them.
 */
export function inTurn<V>(call: () => Promise<V>): Promise<V> {
  const result = last.then(call);
  last = result.catch(() => {});
  return result;
}
