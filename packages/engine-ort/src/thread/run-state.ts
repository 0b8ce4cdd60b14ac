/**
 * State of a thread that runs native code, shared with the thread that started it: int32 [1]. Node ends threads with the
 * process. A thread that it ends during a native call aborts the process, so the end waits for that call.
 */
export type RunState = Int32Array<SharedArrayBuffer>;

const [idle, busy, stopped] = [0, 1, 2];

/** Longest time that the end of the process waits for a call, in milliseconds. */
const longestWait = 60_000;

/** Creates the state of an idle thread. */
export function createRunState(): RunState {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** Makes native calls, in the thread. A call that comes after {@link stopRuns} never begins, and its promise stays open. */
export async function running<V>(state: RunState, call: () => Promise<V>): Promise<V> {
  if (Atomics.compareExchange(state, 0, idle, busy) === stopped) return new Promise(() => {});
  try {
    return await call();
  } finally {
    Atomics.store(state, 0, idle);
    Atomics.notify(state, 0);
  }
}

/** Blocks until the thread is idle, and keeps it idle. */
export function stopRuns(state: RunState): void {
  const end = performance.now() + longestWait;
  while (Atomics.compareExchange(state, 0, idle, stopped) === busy && performance.now() < end) {
    Atomics.wait(state, 0, busy, longestWait);
  }
}
