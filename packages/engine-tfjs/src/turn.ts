import type { Computer } from './program.js';
import type { Tfjs } from './tfjs.js';

/** By namespace, the end of what waits for its turn. */
const ends = new WeakMap<Tfjs, Promise<unknown>>();

/**
 * Does something while the backend is the namespace's current one, of which there is one at a time: engines on several
 * backends of a namespace take turns.
 */
export function inTurn<R>({ tf, backend }: Computer, action: () => R): Promise<R> {
  const turn = (ends.get(tf) ?? Promise.resolve()).then(async () => {
    while (tf.getBackend() !== backend) await tf.setBackend(backend);
    return action();
  });
  ends.set(
    tf,
    turn.catch(() => {}),
  );
  return turn;
}
