import { checked } from './device-errors.js';
import type { Computer } from './program.js';
import type { Tfjs } from './tfjs.js';

/** By namespace, the end of what waits for its turn. */
const ends = new WeakMap<Tfjs, Promise<unknown>>();

/**
 * Does something while the backend is the namespace's current one, of which there is one at a time: engines on several
 * backends of a namespace take turns.
 *
 * @param discard Frees the result where the backend's device reports an error.
 * @throws DparError for an error of the device, and what the action throws.
 */
export function inTurn<R>(
  { tf, backend, device }: Computer,
  action: () => R,
  discard?: (result: R) => void,
): Promise<R> {
  const turn = (ends.get(tf) ?? Promise.resolve()).then(async () => {
    while (tf.getBackend() !== backend) await tf.setBackend(backend);
    return checked(device, action, discard);
  });
  ends.set(
    tf,
    turn.catch(() => {}),
  );
  return turn;
}
