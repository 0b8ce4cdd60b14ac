import { type GptConfig, hasNullClass } from '@dpar/nn';
import type { DType, DynamicAxes, HostTensor, TensorFunction, Tensors, TensorType } from '@dpar/tensor';

/** An input of an exported graph. */
export interface GraphInput {
  readonly dtype: DType;
  /** Sizes, or names of sizes that may be anything. */
  readonly shape: readonly (number | string)[];
  /** What it is, and how it is made. */
  readonly meaning: string;
}

/** A graph that becomes an .onnx file. */
export interface OnnxGraph {
  /** Name of the graph, and of its file where there are several. */
  readonly name: string;
  readonly description: string;
  /** Reads the inputs and the parameters by name. */
  readonly fn: TensorFunction;
  readonly inputs: Readonly<Record<string, GraphInput>>;
  /** What each output is, by name. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly parameters: Tensors<HostTensor>;
  /** config.json of the checkpoint that it belongs to. */
  readonly config: object;
}

/** An input of type int32. */
export function integers(shape: GraphInput['shape'], meaning: string): GraphInput {
  return { dtype: 'int32', shape, meaning };
}

/** The classes of a model as the meaning of an input tells them. */
export function classNumbers(config: Pick<GptConfig, 'numClasses' | 'classDropoutProb'>): string {
  const { numClasses } = config;
  const none = hasNullClass(config) ? `, ${numClasses} for no class, as guidance needs it` : '; no guidance';
  return `classes 0 to ${numClasses - 1}${none}`;
}

/** An input of type float32. */
export function floats(shape: GraphInput['shape'], meaning: string): GraphInput {
  return { dtype: 'float32', shape, meaning };
}

/** Types of the inputs and their open axes, as they are traced. */
export function signatureOf({ inputs }: OnnxGraph): { types: Tensors<TensorType>; dynamicAxes: DynamicAxes } {
  const types: Record<string, TensorType> = {};
  const dynamicAxes: Record<string, Record<number, string>> = {};
  for (const [name, { dtype, shape }] of Object.entries(inputs)) {
    // Any size will do where an axis is open.
    types[name] = { dtype, shape: shape.map((size) => (typeof size === 'number' ? size : 1)) };
    const axes = shape.flatMap((size, axis) => (typeof size === 'number' ? [] : [[axis, size] as const]));
    if (axes.length > 0) dynamicAxes[name] = Object.fromEntries(axes);
  }
  return { types, dynamicAxes };
}
