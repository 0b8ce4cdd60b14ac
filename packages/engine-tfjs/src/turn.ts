import { checked } from './device-errors.js';
import type { Computer } from './program.js';
import type { Tfjs } from './tfjs.js';

/** End of the queue of each namespace. */
const ends = new WeakMap<Tfjs, Promise<unknown>>();

/**
 * Runs an action while its backend is the current one of the namespace. A namespace has one current backend, so engines on
 * several backends take turns.
 *
 * @param discard Frees the result if the backend's device reports an error.
 * @throws DparError for an error of the device. Errors of the action pass through.
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
