import { formatValue } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import {
  type CompileOptions,
  compileOptionsKinds,
  type DeviceRunOptions,
  type DeviceTensor,
  deviceRunOptionsKinds,
  type RunOptions,
  runOptionsKinds,
} from './engine.js';
import { DparError, isDparError } from './error.js';
import type { Ops, TensorFunction } from './ops.js';
import { sameShape } from './shape.js';
import {
  arrayTypes,
  formatType,
  type HostTensor,
  hostTensor,
  sizeOf,
  type Tensors,
  type TensorType,
  tensorTypeKinds,
} from './types.js';

// Checks and errors that all engines share.

/** Checks a host tensor. @throws DparError if its data do not fit its type. */
export function checkHostTensor(name: string, tensor: HostTensor): HostTensor {
  checkArguments('run', { name }, { name: 'string' });
  checkArguments(
    'run',
    { [name]: tensor },
    { [name]: { dtype: 'string', shape: 'number[]', data: 'any', '*': 'any' } },
  );
  if (!Object.hasOwn(arrayTypes, tensor.dtype)) {
    throw new DparError(
      `run: expected '${name}' of float32, int32 or bool, got ${tensor.dtype}. Convert it with hostTensor.`,
    );
  }
  if (!(tensor.data instanceof arrayTypes[tensor.dtype]) || tensor.data.length !== sizeOf(tensor.shape)) {
    throw new DparError(
      `run: expected '${name}' to hold the data of ${formatType(tensor)}, got ${tensor.data.length} elements of ` +
        `${tensor.data.constructor.name}. Make tensors with hostTensor.`,
    );
  }
  return tensor;
}

/**
 * Returns an input, which must be a host tensor. @throws DparError if it is not, such as a tensor of another engine.
 */
export function hostInput(name: string, tensor: HostTensor | DeviceTensor): HostTensor {
  checkArguments('run', { name }, { name: 'string' });
  if (typeof tensor !== 'object' || tensor === null || !('shape' in tensor || 'type' in tensor)) {
    throw new DparError(
      `run: expected '${name}' to be a tensor, got ${formatValue(tensor)}. Make it with float32, int32 or bool.`,
    );
  }
  if (!('data' in tensor)) {
    throw new DparError(
      `run: expected '${name}' to be a host tensor or a tensor of this engine, got ${formatValue(tensor)}. ` +
        'Upload it to this engine.',
    );
  }
  return checkHostTensor(name, tensor);
}

/**
 * Checks the arguments of an engine's `compile`.
 *
 * @throws DparError if `fn` is not a function, for an unknown option, or as {@link checkCompileOptions}.
 */
export function checkCompileArguments(fn: TensorFunction, options: CompileOptions): void {
  checkArguments('compile', { fn, options }, { fn: 'function', options: compileOptionsKinds });
  checkCompileOptions(options);
}

/** Checks the arguments of `run`. @throws DparError also for an unknown option. */
export function checkRunArguments(inputs: Tensors<HostTensor | DeviceTensor>, options: RunOptions = {}): void {
  checkArguments('run', { inputs, options }, { inputs: 'object', options: runOptionsKinds });
}

/** Checks the arguments of `runOnDevice`. @throws DparError also for an unknown option. */
export function checkDeviceRunArguments(
  inputs: Tensors<HostTensor | DeviceTensor>,
  options: DeviceRunOptions = {},
): void {
  checkArguments('runOnDevice', { inputs, options }, { inputs: 'object', options: deviceRunOptionsKinds });
}

/** Checks options of `compile`. @throws DparError for constants whose data do not fit their types, or unknown options. */
export function checkCompileOptions(options: Pick<CompileOptions, 'constants' | 'weights'>): void {
  checkArguments('compile', { options }, { options: compileOptionsKinds });
  for (const [name, tensor] of Object.entries(options.constants ?? {})) checkHostTensor(name, tensor);
}

/** Checks the name of an input. @throws DparError if it is also the name of a constant. */
export function checkNotConstant(name: string, constants: Tensors<HostTensor>): void {
  checkArguments('checkNotConstant', { name, constants }, { name: 'string', constants: 'object' });

  if (Object.hasOwn(constants, name)) {
    throw new DparError(`run: expected inputs that are not constants, got '${name}'. Leave it out.`);
  }
}

/**
 * Checks names of outputs in an option of `run` or `runOnDevice`.
 * @param option Name of the option in messages.
 * @throws DparError for a name that no output has.
 */
export function checkOutputNames(
  option: 'into' | 'toHost',
  names: readonly string[],
  outputs: readonly string[],
): void {
  checkArguments(
    'checkOutputNames',
    { option, names, outputs },
    { option: 'string', names: 'string[]', outputs: 'string[]' },
  );
  for (const name of names) {
    if (!outputs.includes(name)) {
      throw new DparError(
        `run: expected names of outputs in '${option}' (${outputs.join(', ')}), got '${name}'. Leave it out.`,
      );
    }
  }
}

/**
 * Tensor to write output `name` to: the given one, or a new one if none is given.
 *
 * @throws DparError if the given tensor has another type or shape.
 */
export function outputTensor(name: string, type: TensorType, given: HostTensor | undefined): HostTensor {
  checkArguments('outputTensor', { name, type }, { name: 'string', type: tensorTypeKinds });
  if (given === undefined) return hostTensor(type.dtype, type.shape);
  if (given.dtype !== type.dtype || !sameShape(given.shape, type.shape)) {
    throw new DparError(
      `run: expected 'into.${name}' of ${formatType(type)}, got ${formatType(given)}. Make it of the output's type.`,
    );
  }
  return checkHostTensor(`into.${name}`, given);
}

/**
 * Calls a function, and names missing inputs if it fails.
 *
 * @throws DparError if the function failed after reading missing inputs, or its result is not a set of named tensors.
 * Other errors of the function pass through.
 */
export function callFunction<T>(fn: TensorFunction, ops: Ops<T>, inputs: Tensors<T>): Tensors<T> {
  checkArguments('callFunction', { fn, ops, inputs }, { fn: 'function', ops: 'Ops', inputs: 'object' });

  const missing = new Set<string>();
  const watched = new Proxy(inputs, {
    get: (target, name, receiver) => {
      if (typeof name === 'string' && !Object.hasOwn(target, name)) missing.add(name);
      return Reflect.get(target, name, receiver);
    },
  });
  try {
    return namedOutputs(ops, fn(ops, watched));
  } catch (cause) {
    // An operation reports a missing tensor as 'got undefined.'. Any other DparError is more specific.
    if (missing.size === 0 || (isDparError(cause) && !cause.message.includes('got undefined.'))) throw cause;
    const list = (names: Iterable<string>): string => [...names].map((name) => `'${name}'`).join(', ') || 'none';
    throw new DparError(
      `run: expected the input ${list(missing)}, got ${list(Object.keys(inputs))}. ` +
        'Pass every input that the function reads.',
      { cause },
    );
  }
}

/** @throws DparError for a disposed function or tensor. */
export function checkLive(what: 'function' | 'tensor', disposed: boolean): void {
  checkArguments('checkLive', { what, disposed }, { what: "'function' | 'tensor'", disposed: 'boolean' });
  if (!disposed) return;
  throw new DparError(
    what === 'function'
      ? 'run: expected a live function, got a disposed one. Compile it again.'
      : 'DeviceTensor: expected a live tensor, got a disposed one. Dispose it after its last use.',
  );
}

function isTensorOf<T>(ops: Ops<T>, value: unknown): boolean {
  try {
    return Object.hasOwn(arrayTypes, ops.typeOf(value as T).dtype);
  } catch {
    return false;
  }
}

/** Returns the result of a function, which must be tensors by name. */
function namedOutputs<T>(ops: Ops<T>, outputs: Tensors<T>): Tensors<T> {
  const isObject = typeof outputs === 'object' && outputs !== null;
  const isTensor = isObject && isTensorOf(ops, outputs);
  if (isObject && !isTensor) return outputs;
  throw new DparError(
    `run: expected a function that returns tensors by name, got ${isTensor ? 'a tensor' : outputs}. Return { y: ... }.`,
  );
}
