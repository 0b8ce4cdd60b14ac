import type { DType, DynamicAxes, HostTensor, TensorFunction, Tensors, TensorType } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { classConfigKinds, type GptConfig, hasNullClass } from './gpt-config.js';

/** An input of a described graph. */
export interface GraphInput {
  readonly dtype: DType;
  /** Sizes, or names of open sizes. */
  readonly shape: readonly (number | string)[];
  /** Meaning, and instructions for making the input. */
  readonly meaning: string;
}

/** A function of named tensors with descriptions of its inputs and outputs. */
export interface GraphDescription {
  readonly description: string;
  /** Reads the inputs and the parameters by name. */
  readonly fn: TensorFunction;
  readonly inputs: Readonly<Record<string, GraphInput>>;
  /** Meaning of each output, by name. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** A described function with its parameters, ready for export as an ONNX file. */
export interface DescribedGraph extends GraphDescription {
  /** Name of the graph, and of its file if a model has several. */
  readonly name: string;
  readonly parameters: Tensors<HostTensor>;
  /** Content of the config.json of its model. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** An input of type int32. */
export function integers(shape: GraphInput['shape'], meaning: string): GraphInput {
  checkArguments('integers', { shape, meaning }, { shape: 'any[]', meaning: 'string' });
  return { dtype: 'int32', shape, meaning };
}

/** An input of type float32. */
export function floats(shape: GraphInput['shape'], meaning: string): GraphInput {
  checkArguments('floats', { shape, meaning }, { shape: 'any[]', meaning: 'string' });
  return { dtype: 'float32', shape, meaning };
}

/** Describes the classes of a model, as the meaning of an input. */
export function classNumbers(config: Pick<GptConfig, 'numClasses' | 'classDropoutProb'>): string {
  checkArguments('classNumbers', { config }, { config: classConfigKinds });
  const { numClasses } = config;
  const none = hasNullClass(config) ? `, ${numClasses} for no class, as guidance needs it` : '; no guidance';
  return `classes 0 to ${numClasses - 1}${none}`;
}

/** Types and open axes of a graph's inputs, for tracing. */
export function signatureOf(graph: Pick<GraphDescription, 'inputs'>): {
  types: Tensors<TensorType>;
  dynamicAxes: DynamicAxes;
} {
  checkArguments('signatureOf', { graph }, { graph: { inputs: 'object', '*': 'any' } });
  const types: Record<string, TensorType> = {};
  const dynamicAxes: Record<string, Record<number, string>> = {};
  for (const [name, { dtype, shape }] of Object.entries(graph.inputs)) {
    // An open axis may have any size here.
    types[name] = { dtype, shape: shape.map((size) => (typeof size === 'number' ? size : 1)) };
    const axes = shape.flatMap((size, axis) => (typeof size === 'number' ? [] : [[axis, size] as const]));
    if (axes.length > 0) dynamicAxes[name] = Object.fromEntries(axes);
  }
  return { types, dynamicAxes };
}
