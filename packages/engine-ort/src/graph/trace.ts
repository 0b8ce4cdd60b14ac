import {
  type AttributesOf,
  type Backend,
  callFunction,
  checkNotConstant,
  createOps,
  type HostTensor,
  type Primitive,
  type TensorFunction,
  type Tensors,
  type TensorType,
} from '@dpar/tensor';
import { ConstantPool } from './constants.js';
import { DynamicSizes } from './dynamic-sizes.js';
import { type GraphNode, type OperationNode, reachable } from './node.js';
import type { NodeMaker, Rules, Simplification } from './rule.js';
import { simplifications } from './simplify.js';

/**
 * Backend that computes nothing and records a graph. Equal applications and equal constants become one node. Rules put
 * cheaper nodes in place of applications: by default they remove those without effect (a product with 1).
 */
class Tracer implements Backend<GraphNode>, NodeMaker {
  private count = 0;
  private readonly constants = new ConstantPool<GraphNode>();
  private readonly operations = new Map<string, GraphNode>();

  /** @param dynamic Open sizes, whose placeholders are in the types. */
  constructor(
    readonly dynamic: DynamicSizes,
    private readonly rules: Rules = simplifications,
  ) {}

  typeOf(x: GraphNode): TensorType {
    return x.type;
  }

  /** Input of the function. */
  input(name: string, type: TensorType): GraphNode {
    return { kind: 'input', id: this.count++, type: { dtype: type.dtype, shape: type.shape }, name };
  }

  constant(value: HostTensor, name?: string): GraphNode {
    return this.constants.get(value, () => ({
      kind: 'constant',
      id: this.count++,
      type: { dtype: value.dtype, shape: value.shape },
      value,
      name,
    }));
  }

  range(size: number): GraphNode {
    if (!this.dynamic.isOpen(size)) {
      return this.constant({ dtype: 'int32', shape: [size], data: Int32Array.from({ length: size }, (_, i) => i) });
    }
    return this.once(`range ${size}`, () => ({
      kind: 'range',
      id: this.count++,
      type: { dtype: 'int32', shape: [size] },
    }));
  }

  apply<P extends Primitive>(
    primitive: P,
    inputs: readonly GraphNode[],
    attributes: AttributesOf<P>,
    output: TensorType,
  ): GraphNode {
    const rule = this.rules[primitive] as Simplification<P> | undefined;
    const found = rule?.({ tracer: this, inputs: inputs as never, attributes, output });
    if (found) return found;
    const key = `${primitive} ${inputs.map((input) => input.id).join(' ')} ${JSON.stringify(attributes)}`;
    return this.once(
      key,
      () => ({ kind: 'operation', id: this.count++, type: output, primitive, inputs, attributes }) as OperationNode,
    );
  }

  /** Copy of a node of another tracer. @param copyOf Finds the copies of its inputs. */
  copy(node: GraphNode, copyOf: (input: GraphNode) => GraphNode): GraphNode {
    if (node.kind !== 'operation') return { ...node, id: this.count++ };
    return this.apply(node.primitive, node.inputs.map(copyOf), node.attributes, node.type);
  }

  private once(key: string, make: () => GraphNode): GraphNode {
    const node = this.operations.get(key) ?? make();
    this.operations.set(key, node);
    return node;
  }
}

/** Settings of {@link trace}. */
export interface TraceOptions {
  /** Inputs with known values. */
  readonly constants?: Tensors<HostTensor>;
  /** Open sizes, whose placeholders are in the types. */
  readonly dynamic?: DynamicSizes;
}

/** A function as a graph. */
export interface TracedFunction {
  readonly dynamic: DynamicSizes;
  /** Nodes of all inputs by name, including unread ones. */
  readonly inputs: Tensors<GraphNode>;
  readonly outputs: Tensors<GraphNode>;
}

/**
 * Traces a function for given types of its inputs.
 * @throws DparError if a name is both input and constant, or the function reads a missing input. Errors of the function
 * pass through.
 */
export function trace(
  fn: TensorFunction,
  inputTypes: Tensors<TensorType>,
  { constants = {}, dynamic = new DynamicSizes() }: TraceOptions = {},
): TracedFunction {
  const tracer = new Tracer(dynamic);
  const inputs: Record<string, GraphNode> = {};
  for (const [name, type] of Object.entries(inputTypes)) {
    checkNotConstant(name, constants);
    inputs[name] = tracer.input(name, type);
  }
  const known: Record<string, GraphNode> = {};
  for (const [name, value] of Object.entries(constants)) known[name] = tracer.constant(value, name);
  return { dynamic, inputs, outputs: callFunction(fn, createOps(tracer), { ...inputs, ...known }) };
}

/** Rewrites a traced function: makes each node again, inputs first, under the given rules. */
export function rewrite({ dynamic, inputs, outputs }: TracedFunction, rules: Rules): TracedFunction {
  const tracer = new Tracer(dynamic, rules);
  const copies = new Map<GraphNode, GraphNode>();
  const copyOf = (node: GraphNode): GraphNode => copies.get(node) as GraphNode;
  for (const node of reachable([...Object.values(inputs), ...Object.values(outputs)])) {
    copies.set(node, tracer.copy(node, copyOf));
  }
  const copied = (nodes: Tensors<GraphNode>): Tensors<GraphNode> =>
    Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, copyOf(node)]));
  return { dynamic, inputs: copied(inputs), outputs: copied(outputs) };
}
