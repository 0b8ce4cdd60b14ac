import type { DType, DynamicAxes, HostTensor, TensorFunction, Tensors, TensorType } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type GptConfig, hasNullClass } from './gpt.js';

/** An input of a described graph. */
export interface GraphInput {
  readonly dtype: DType;
  /** Sizes, or names of sizes that may have any value. */
  readonly shape: readonly (number | string)[];
  /** Meaning, and how the input is made. */
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

/** A described function with its parameters: it becomes an ONNX file. */
export interface DescribedGraph extends GraphDescription {
  /** Name of the graph, and of its file where there are several. */
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

/** The classes of a model as the meaning of an input. */
export function classNumbers(config: Pick<GptConfig, 'numClasses' | 'classDropoutProb'>): string {
  checkArguments(
    'classNumbers',
    { config },
    { config: { numClasses: 'number', 'classDropoutProb?': 'number', '*': 'any' } },
  );
  const { numClasses } = config;
  const none = hasNullClass(config) ? `, ${numClasses} for no class, as guidance needs it` : '; no guidance';
  return `classes 0 to ${numClasses - 1}${none}`;
}

/** Types of a graph's inputs and their open axes, for tracing. */
export function signatureOf(graph: Pick<GraphDescription, 'inputs'>): {
  types: Tensors<TensorType>;
  dynamicAxes: DynamicAxes;
} {
  checkArguments('signatureOf', { graph }, { graph: { inputs: 'object', '*': 'any' } });
  const types: Record<string, TensorType> = {};
  const dynamicAxes: Record<string, Record<number, string>> = {};
  for (const [name, { dtype, shape }] of Object.entries(graph.inputs)) {
    // Any size will do where an axis is open.
    types[name] = { dtype, shape: shape.map((size) => (typeof size === 'number' ? size : 1)) };
    const axes = shape.flatMap((size, axis) => (typeof size === 'number' ? [] : [[axis, size] as const]));
    if (axes.length > 0) dynamicAxes[name] = Object.fromEntries(axes);
  }
  return { types, dynamicAxes };
}
