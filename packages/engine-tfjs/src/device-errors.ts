import { DparError } from '@dpar/tensor';
import type { Tfjs } from './tfjs.js';

/** Part of a WebGPU device that this package uses. */
export interface GpuDevice {
  pushErrorScope(filter: (typeof filters)[number]): void;
  popErrorScope(): Promise<{ readonly message: string } | null>;
  addEventListener?(type: 'uncapturederror', listener: (event: { readonly error: { message: string } }) => void): void;
}

const filters = ['validation', 'out-of-memory', 'internal'] as const;

/** Errors of each device that no scope caught and no run has thrown yet. */
const uncaptured = new WeakMap<GpuDevice, string[]>();

/** Device of a namespace's current backend, or undefined without one. Its errors are recorded from now on. */
export function deviceOf(tf: Tfjs): GpuDevice | undefined {
  if (tf.getBackend() !== 'webgpu') return undefined;
  const { device } = tf.backend() as { readonly device?: GpuDevice };
  if (typeof device?.pushErrorScope !== 'function') return undefined;
  if (!uncaptured.has(device)) {
    const errors: string[] = [];
    uncaptured.set(device, errors);
    device.addEventListener?.('uncapturederror', ({ error }) => errors.push(error.message));
  }
  return device;
}

/**
 * Runs an action and waits for errors of the device. A GPU throws nothing: it skips a command with an error, and the
 * result is whatever its memory held.
 *
 * @param action Submits its commands before it returns. It may return a promise.
 * @param discard Frees the result if the device reports an error.
 * @throws DparError for an error of the device. Errors of the action pass through.
 */
export async function checked<R>(
  device: GpuDevice | undefined,
  action: () => R | Promise<R>,
  discard: (result: R) => void = () => {},
): Promise<R> {
  if (device === undefined) return action();
  for (const filter of filters) device.pushErrorScope(filter);
  // Scopes are closed in the same turn of the event loop, so that they hold only these commands.
  const [acted, ...scopes] = await Promise.allSettled([attempt(action), ...filters.map(() => device.popErrorScope())]);
  const errors = scopes.map((scope) => (scope.status === 'fulfilled' ? scope.value?.message : String(scope.reason)));
  const message = [...errors, ...(uncaptured.get(device)?.splice(0) ?? [])].find((text) => text !== undefined);
  if (message === undefined) {
    if (acted.status === 'rejected') throw acted.reason;
    return acted.value;
  }
  if (acted.status === 'fulfilled') discard(acted.value);
  const [firstLine = ''] = message.trim().split('\n');
  throw new DparError(
    `run: expected the WebGPU device to compute, got its error '${firstLine}'. Update the driver or use another backend.`,
    { cause: acted.status === 'rejected' ? acted.reason : new Error(message) },
  );
}

/** Calls an action at once, and returns its result as a promise. */
async function attempt<R>(action: () => R | Promise<R>): Promise<R> {
  return action();
}
