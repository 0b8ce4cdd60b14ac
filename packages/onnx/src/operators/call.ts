import { DparError, type HostTensor, type Ops, type Shape } from '@dpar/tensor';
import type { OnnxNode } from '../model.js';

/** Tensor of a graph: one that is known without the inputs, or one over `Ops`. */
export type Value<T> = { readonly constant: HostTensor } | { readonly tensor: T };

/** Result of an operator that is known without the inputs, such as a shape. */
export class Constant {
  constructor(readonly value: HostTensor) {}
}

/** Results of an operator with several outputs. */
export class Several<T> {
  constructor(readonly values: readonly (T | Constant)[]) {}
}

/** An operator of ONNX in terms of `Ops`. */
export type Operator = <T>(call: OperatorCall<T>) => T | Constant | Several<T>;

/** Operators by name. */
export type Operators = Readonly<Record<string, Operator>>;

/** One node to compute: its inputs and attributes, with errors that name the node. */
export class OperatorCall<T> {
  constructor(
    readonly ops: Ops<T>,
    readonly node: OnnxNode,
    /** Version of the operator set. */
    readonly opset: number,
    private readonly values: readonly (Value<T> | undefined)[],
    /** Puts a constant into the graph. */
    private readonly lift: (constant: HostTensor) => T,
  ) {}

  /** Number of inputs, with optional ones left out in between. */
  get count(): number {
    return this.values.length;
  }

  has(input: number): boolean {
    return this.values[input] !== undefined;
  }

  /** A tensor. @throws DparError if the input is missing. */
  x(input: number): T {
    const value = this.value(input);
    return 'tensor' in value ? value.tensor : this.lift(value.constant);
  }

  /** All inputs. */
  all(): T[] {
    return this.values.map((_, input) => this.x(input));
  }

  shape(input: number): Shape {
    const value = this.value(input);
    return 'tensor' in value ? this.ops.shapeOf(value.tensor) : value.constant.shape;
  }

  dtype(input: number): HostTensor['dtype'] {
    const value = this.value(input);
    return 'tensor' in value ? this.ops.typeOf(value.tensor).dtype : value.constant.dtype;
  }

  /** Value of an input that is known without the network's inputs. */
  known(input: number): HostTensor | undefined {
    const value = this.values[input];
    return value !== undefined && 'constant' in value ? value.constant : undefined;
  }

  /** Value of an input that must be known. @throws DparError if it depends on the network's inputs. */
  constant(input: number, what: string): HostTensor {
    const found = this.known(input);
    if (found !== undefined) return found;
    throw this.refuse(`${what} known without the images`, `the computed tensor '${this.node.inputs[input]}'`);
  }

  /** Numbers of an input, or of an attribute in older operator sets. */
  numbers(input: number, attribute: string): readonly number[] | undefined {
    if (this.has(input)) return Array.from(this.constant(input, `'${attribute}'`).data);
    const { ints, floats, int } = this.node.attributes[attribute] ?? {};
    return ints ?? floats ?? (int === undefined ? undefined : [int]);
  }

  int(name: string, fallback: number): number {
    return this.node.attributes[name]?.int ?? fallback;
  }

  float(name: string, fallback: number): number {
    return this.node.attributes[name]?.float ?? fallback;
  }

  ints(name: string): readonly number[] | undefined {
    return this.node.attributes[name]?.ints;
  }

  string(name: string, fallback: string): string {
    return this.node.attributes[name]?.string ?? fallback;
  }

  /** Axis of a tensor, which may count from the end. */
  axis(axis: number, rank: number): number {
    return axis < 0 ? axis + rank : axis;
  }

  /** Error for a form of the operator that is not supported. */
  refuse(expected: string, got: string, remedy = 'Change the network, or choose tensors before this node.'): DparError {
    return new DparError(`OnnxNetwork: expected ${expected}, got ${got} in ${describeNode(this.node)}. ${remedy}`);
  }

  private value(input: number): Value<T> {
    const value = this.values[input];
    if (value !== undefined) return value;
    throw this.refuse(`an input ${input}`, 'none', 'The file is damaged: export it again.');
  }
}

/** A node for error messages. */
export function describeNode({ opType, name, outputs }: OnnxNode): string {
  return `the node '${name || outputs[0]}' (${opType})`;
}
