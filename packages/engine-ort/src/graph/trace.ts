import {
  callFunction,
  checkNotConstant,
  createOps,
  type HostTensor,
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
  /** See {@link Tracer.forProcessor}. */
  readonly forProcessor?: boolean;
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
  { constants = {}, dynamic = new DynamicSizes(), forProcessor = false }: TraceOptions = {},
): TracedFunction {
  const tracer = new Tracer(dynamic, forProcessor);
  const inputs: Record<string, GraphNode> = {};
  for (const [name, type] of Object.entries(inputTypes)) {
    checkNotConstant(name, constants);
    inputs[name] = tracer.input(name, type);
  }
  const known: Record<string, GraphNode> = {};
  for (const [name, value] of Object.entries(constants)) known[name] = tracer.constant(value, name);
  return { dynamic, inputs, outputs: callFunction(fn, createOps(tracer), { ...inputs, ...known }) };
}
