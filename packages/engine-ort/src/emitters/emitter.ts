import type { AttributesOf, InputsOf, Primitive, TensorType } from '@dpar/tensor';
import type { GraphNode } from '../graph/node.js';
import type { OnnxBuilder } from '../onnx/builder.js';

/** Tensor of the traced graph, and its name in the ONNX graph. */
export interface Operand {
  readonly name: string;
  readonly type: TensorType;
  readonly node: GraphNode;
}

/** One application of a primitive. */
export interface Emission<P extends Primitive> {
  readonly build: OnnxBuilder;
  readonly inputs: InputsOf<P, Operand>;
  readonly attributes: AttributesOf<P>;
  readonly output: TensorType;
  /** Element type of float32 inputs and outputs in the ONNX graph. */
  readonly floats: 'float32' | 'float16';
  /** Looks up a tensor that the inputs depend on. */
  operand(node: GraphNode): Operand;
  /** True if the graph also applies `other` to the single input `x`, at any place. */
  applies(other: Primitive, x: GraphNode): boolean;
}

/** Writes an application as ONNX nodes and returns the name of the result. */
export type Emitter<P extends Primitive> = (emission: Emission<P>) => string;

/** Emitters of a group of primitives. */
export type Emitters<P extends Primitive> = { readonly [Q in P]: Emitter<Q> };

/** Names of the inputs. */
export function names(inputs: readonly Operand[]): string[] {
  return inputs.map((input) => input.name);
}
