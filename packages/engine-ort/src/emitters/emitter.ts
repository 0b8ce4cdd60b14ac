import type { AttributesOf, Primitive, TensorType } from '@dpar/tensor';
import type { GraphNode } from '../graph/node.js';
import type { OnnxBuilder } from '../onnx/builder.js';

/** A tensor of the traced graph that is in the ONNX graph under a name. */
export interface Operand {
  readonly name: string;
  readonly type: TensorType;
  readonly node: GraphNode;
}

/** What an emitter sees: one application of a primitive. */
export interface Emission<P extends Primitive> {
  readonly build: OnnxBuilder;
  readonly inputs: readonly Operand[];
  readonly attributes: AttributesOf<P>;
  readonly output: TensorType;
  /** Looks up another tensor that comes before the application, for emitters that see through their inputs. */
  operand(node: GraphNode): Operand;
  /** Whether the graph also applies `other` to the single input `x`, at any place. */
  applies(other: Primitive, x: GraphNode): boolean;
}

/** Writes an application as ONNX nodes; returns the name of the result. */
export type Emitter<P extends Primitive> = (emission: Emission<P>) => string;

/** The emitters of a group of primitives. */
export type Emitters<P extends Primitive> = { readonly [Q in P]: Emitter<Q> };

/** Input `index` (the shape rules have checked that it is there). */
export function inputOf(inputs: readonly Operand[], index: number): Operand {
  return inputs[index] as Operand;
}

/** Names of the inputs. */
export function names(inputs: readonly Operand[]): string[] {
  return inputs.map((input) => input.name);
}
