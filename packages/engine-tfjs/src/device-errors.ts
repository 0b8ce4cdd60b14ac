import { DparError } from '@dpar/tensor';
import type { Tfjs } from './tfjs.js';

/** A device of WebGPU, as far as this package looks at it. */
export interface GpuDevice {
  pushErrorScope(filter: (typeof filters)[number]): void;
  popErrorScope(): Promise<{ readonly message: string } | null>;
  addEventListener?(type: 'uncapturederror', listener: (event: { readonly error: { message: string } }) => void): void;
}

const filters = ['validation', 'out-of-memory', 'internal'] as const;

/** By device, the errors that no scope took and no run has thrown yet. */
const uncaptured = new WeakMap<GpuDevice, string[]>();

/** The device of a namespace's current backend, undefined if that has none. From here on the device's errors are noted. */
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
 * Does something and waits for what a device reports of it. A graphics processor throws nothing: it
 * skips commands with an error in them, and what should have been computed is whatever its memory held.
 *
 * @param action Gives its commands before it returns; what it returns may be a promise.
 * @param discard Frees the result where the device reports an error.
 * @throws DparError for an error of the device, and what the action throws.
 */
export async function checked<R>(
  device: GpuDevice | undefined,
  action: () => R | Promise<R>,
  discard: (result: R) => void = () => {},
): Promise<R> {
  if (device === undefined) return action();
  for (const filter of filters) device.pushErrorScope(filter);
  // Scopes are closed at once, in the same turn of the event loop, so that they hold no other's commands.
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
    `run: expected the WebGPU device to compute, got its error '${firstLine}'. Update the driver, or take another backend.`,
    { cause: acted.status === 'rejected' ? acted.reason : new Error(message) },
  );
}

/** The result of a call as a promise, made at once. */
async function attempt<R>(action: () => R | Promise<R>): Promise<R> {
  return action();
}
