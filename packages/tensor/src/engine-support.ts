import { checkArguments } from './check-arguments.js';
import {
  type CompileOptions,
  compileOptionsKinds,
  type DeviceTensor,
  type RunOptions,
  runOptionsKinds,
} from './engine.js';
import { DparError, isDparError } from './error.js';
import type { Ops, TensorFunction } from './ops.js';
import { sameShape } from './shape.js';
import {
  formatType,
  type HostTensor,
  hostTensor,
  sizeOf,
  type Tensors,
  type TensorType,
  tensorTypeKinds,
} from './types.js';

// What engines have in common: how they check what they are given and say what is wrong.

const dataTypes = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

/** @throws DparError if a tensor's data are not what its type says. */
export function checkHostTensor(name: string, tensor: HostTensor): HostTensor {
  checkArguments('run', { name }, { name: 'string' });
  checkArguments(
    'run',
    { [name]: tensor },
    { [name]: { dtype: 'string', shape: 'number[]', data: 'any', '*': 'any' } },
  );
  if (!Object.hasOwn(dataTypes, tensor.dtype)) {
    throw new DparError(
      `run: expected '${name}' of float32, int32 or bool, got ${tensor.dtype}. Convert it with hostTensor.`,
    );
  }
  if (!(tensor.data instanceof dataTypes[tensor.dtype]) || tensor.data.length !== sizeOf(tensor.shape)) {
    throw new DparError(
      `run: expected '${name}' to hold the data of ${formatType(tensor)}, got ${tensor.data.length} elements of ` +
        `${tensor.data.constructor.name}. Make tensors with hostTensor.`,
    );
  }
  return tensor;
}

/** An input that is no tensor of the engine: a host tensor. @throws DparError if it is another engine's. */
export function hostInput(name: string, tensor: HostTensor | DeviceTensor): HostTensor {
  checkArguments('run', { name }, { name: 'string' });
  if (typeof tensor !== 'object' || tensor === null || !('shape' in tensor || 'type' in tensor)) {
    throw new DparError(`run: expected '${name}' to be a tensor, got none. Make it with float32, int32 or bool.`);
  }
  if (!('data' in tensor)) {
    throw new DparError(
      `run: expected '${name}' to be a host tensor or a tensor of this engine, got another. Upload it to this engine.`,
    );
  }
  return checkHostTensor(name, tensor);
}

/**
 * Checks what `compile` of an engine is called with.
 *
 * @throws DparError for a function that is none, an unknown option, or as {@link checkCompileOptions}.
 */
export function checkCompileArguments(fn: TensorFunction, options: CompileOptions): void {
  checkArguments('compile', { fn, options }, { fn: 'function', options: compileOptionsKinds });
  checkCompileOptions(options);
}

/** Checks what `run` and `runOnDevice` of an engine are called with. @throws DparError also for an unknown option. */
export function checkRunArguments(inputs: Tensors<HostTensor | DeviceTensor>, options: RunOptions = {}): void {
  checkArguments('run', { inputs, options }, { inputs: 'object', options: runOptionsKinds });
}

/** @throws DparError for constants whose data are not what their types say, or an unknown format of weights. */
export function checkCompileOptions(options: Pick<CompileOptions, 'constants' | 'weights'>): void {
  checkArguments('compile', { options }, { options: compileOptionsKinds });
  for (const [name, tensor] of Object.entries(options.constants ?? {})) checkHostTensor(name, tensor);
}

/** @throws DparError for an input that is among the constants too. */
export function checkNotConstant(name: string, constants: Tensors<HostTensor>): void {
  checkArguments('checkNotConstant', { name, constants }, { name: 'string', constants: 'object' });

  if (Object.hasOwn(constants, name)) {
    throw new DparError(`run: expected inputs that are not constants already, got '${name}'. Leave it out here.`);
  }
}

/** @throws DparError for a name in `into` that no output has. */
export function checkOutputNames(into: Tensors<HostTensor>, outputs: readonly string[]): void {
  checkArguments('checkOutputNames', { into, outputs }, { into: 'object', outputs: 'string[]' });

  for (const name of Object.keys(into)) {
    if (!outputs.includes(name)) {
      throw new DparError(`run: expected names of outputs in 'into' (${outputs.join(', ')}), got '${name}'.`);
    }
  }
}

/**
 * The tensor to write output `name` to: the one given for it if its type is right, else a new one.
 *
 * @throws DparError for a tensor of another type or shape.
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
 * Calls a function; if it fails and had read inputs that are not there, the error names them.
 *
 * @throws DparError that names inputs which the function read and did not get, or for a result that is no set of named
 * tensors; its own error otherwise.
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
    // An operation says so itself when a tensor is missing; any other error of ours says better what is wrong.
    if (missing.size === 0 || (isDparError(cause) && !cause.message.includes('got undefined.'))) throw cause;
    const list = (names: Iterable<string>): string => [...names].map((name) => `'${name}'`).join(', ') || 'none';
    throw new DparError(
      `run: expected the input ${list(missing)}, got ${list(Object.keys(inputs))}. ` +
        'Pass every input that the function reads.',
      { cause },
    );
  }
}

function isTensorOf<T>(ops: Ops<T>, value: unknown): boolean {
  try {
    return Object.hasOwn(dataTypes, ops.typeOf(value as T).dtype);
  } catch {
    return false;
  }
}

/** The result of a function, if that is tensors by name and not a tensor. */
function namedOutputs<T>(ops: Ops<T>, outputs: Tensors<T>): Tensors<T> {
  const isObject = typeof outputs === 'object' && outputs !== null;
  const isTensor = isObject && isTensorOf(ops, outputs);
  if (isObject && !isTensor) return outputs;
  throw new DparError(
    `run: expected a function that returns tensors by name, got ${isTensor ? 'a tensor' : outputs}. Return { y: ... }.`,
  );
}
