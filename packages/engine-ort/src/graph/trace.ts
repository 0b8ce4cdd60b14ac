import {
  createOps,
  DparError,
  type HostTensor,
  isDparError,
  type TensorFunction,
  type Tensors,
  type TensorType,
} from '@dpar/tensor';
import { DynamicSizes } from './dynamic-sizes.js';
import type { GraphNode } from './node.js';
import { Tracer } from './tracer.js';

/** How a function is traced. */
export interface TraceOptions {
  /** Inputs that are known. */
  readonly constants?: Tensors<HostTensor>;
  /** The open sizes whose placeholders are in the types. */
  readonly dynamic?: DynamicSizes;
  /** See {@link Tracer.weightsFirst}. */
  readonly weightsFirst?: boolean;
}

/** A function as a graph. */
export interface TracedFunction {
  readonly dynamic: DynamicSizes;
  /** Nodes of the inputs by name, also of those that nothing reads. */
  readonly inputs: Tensors<GraphNode>;
  readonly outputs: Tensors<GraphNode>;
}

/**
 * Traces a function for given types of its inputs, with others known as constants.
 * @throws DparError if a name is both or the function reads an input that is not there, and what the function throws.
 */
export function trace(
  fn: TensorFunction,
  inputTypes: Tensors<TensorType>,
  { constants = {}, dynamic = new DynamicSizes(), weightsFirst = false }: TraceOptions = {},
): TracedFunction {
  const tracer = new Tracer(dynamic, weightsFirst);
  const inputs: Record<string, GraphNode> = {};
  for (const [name, type] of Object.entries(inputTypes)) {
    if (Object.hasOwn(constants, name)) {
      throw new DparError(`run: expected inputs that are not constants already, got '${name}'. Leave it out here.`);
    }
    inputs[name] = tracer.input(name, type);
  }
  const known: Record<string, GraphNode> = {};
  for (const [name, value] of Object.entries(constants)) known[name] = tracer.constant(value, name);
  return { dynamic, inputs, outputs: callWatched(fn, tracer, { ...inputs, ...known }) };
}

/** Calls the function; if it fails and had read inputs that are not there, the error names them. */
function callWatched(fn: TensorFunction, tracer: Tracer, inputs: Tensors<GraphNode>): Tensors<GraphNode> {
  const missing = new Set<string>();
  const watched = new Proxy(inputs, {
    get: (target, name, receiver) => {
      if (typeof name === 'string' && !Object.hasOwn(target, name)) missing.add(name);
      return Reflect.get(target, name, receiver);
    },
  });
  try {
    return fn(createOps(tracer), watched);
  } catch (cause) {
    if (isDparError(cause) || missing.size === 0) throw cause;
    const list = (names: Iterable<string>): string => [...names].map((name) => `'${name}'`).join(', ') || 'none';
    throw new DparError(
      `run: expected the input ${list(missing)}, got ${list(Object.keys(inputs))}. ` +
        'Pass every input that the function reads.',
      { cause },
    );
  }
}
