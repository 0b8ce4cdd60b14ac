import type { Engine, Primitive, Tensors } from '@dpar/tensor';
import { cast, elementwiseEmitters } from './emitters/elementwise.js';
import type { Emission, Emitter, Emitters, Operand } from './emitters/emitter.js';
import { imageEmitters } from './emitters/images.js';
import { indexingEmitters } from './emitters/indexing.js';
import { layoutEmitters } from './emitters/layout.js';
import { productEmitters } from './emitters/products.js';
import { reductionEmitters } from './emitters/reductions.js';
import { nodesInHalf } from './graph/half-nodes.js';
import { type GraphNode, reachable } from './graph/node.js';
import type { TracedFunction } from './graph/trace.js';
import { type BuilderOptions, OnnxBuilder } from './onnx/builder.js';
import type { OnnxModel } from './onnx/model.js';

/** Emitter of every primitive. */
export const emitters: Emitters<Primitive> = {
  ...elementwiseEmitters,
  ...layoutEmitters,
  ...indexingEmitters,
  ...reductionEmitters,
  ...productEmitters,
  ...imageEmitters,
};

/** Type that products compute in. */
export type Precision = NonNullable<Engine['precision']>;

/** ONNX graph of a function. */
export interface LoweredFunction {
  readonly model: OnnxModel;
  /** Names of the outputs in the graph. An output with the name of an input is called `name.out` there. */
  readonly outputNames: Tensors<string>;
}

/** Settings of {@link lower}. */
export interface LowerOptions extends Omit<BuilderOptions, 'reserved' | 'dynamic'> {
  /** Makes unread inputs inputs of the graph too. Default: they are left out. */
  readonly allInputs?: boolean;
  /** Type that products compute in (default: float32). */
  readonly precision?: Precision | undefined;
}

/** Writes a traced function as an ONNX graph. */
export function lower(
  traced: TracedFunction,
  { allInputs = false, precision = 'float32', ...options }: LowerOptions,
): LoweredFunction {
  const outputs = Object.entries(traced.outputs);
  const inputNames = new Set(Object.keys(traced.inputs));
  const outputNames: Record<string, string> = {};
  for (const [name] of outputs) {
    let free = name;
    while (inputNames.has(free) || (free !== name && free in traced.outputs)) free += '.out';
    outputNames[name] = free;
  }
  const { dynamic } = traced;
  const build = new OnnxBuilder({ ...options, dynamic, reserved: [...inputNames, ...Object.values(outputNames)] });
  const results = Object.values(traced.outputs);
  const nodes = reachable(allInputs ? [...Object.values(traced.inputs), ...results] : results);
  const applied = new Set(nodes.map(applicationKey));
  const applies = (primitive: Primitive, x: GraphNode): boolean => applied.has(`${primitive} ${x.id}`);
  const half =
    precision === 'float32'
      ? undefined
      : nodesInHalf(nodes, { outputs: new Set(results), dynamic, weights: build.weights });
  const values = new Values(build);
  const operand = (node: GraphNode): Operand => values.operand(node, 'float32');
  for (const node of nodes) {
    const floats = half?.has(node) ? 'float16' : 'float32';
    const inputs = node.kind === 'operation' ? node.inputs.map((input) => values.operand(input, floats)) : [];
    values.set(node, floats, emit(build, node, { inputs, floats, operand, applies }));
  }
  for (const [name, node] of outputs) {
    build.output(operand(node).name, outputNames[name] ?? name, node.type.dtype, node.type.shape);
  }
  return { model: build.finish(), outputNames };
}

/** Names of the values of a graph in the types that are read. Casts are added where they are needed. */
class Values {
  private readonly names = { float32: new Map<GraphNode, string>(), float16: new Map<GraphNode, string>() };

  constructor(private readonly build: OnnxBuilder) {}

  /** Sets the name of a value in the type that it is computed in. */
  set(node: GraphNode, floats: Emission<Primitive>['floats'], name: string): void {
    this.names[floats].set(node, name);
  }

  /** A value, in the given type if it is float32 in the function. */
  operand(node: GraphNode, floats: Emission<Primitive>['floats']): Operand {
    const type = node.type.dtype === 'float32' ? floats : 'float32';
    const name = this.names[type].get(node) ?? this.converted(node, type);
    this.names[type].set(node, name);
    return { name, type: node.type, node };
  }

  private converted(node: GraphNode, floats: Emission<Primitive>['floats']): string {
    const { build, names } = this;
    if (node.kind === 'constant') return build.half(node.value, node.name);
    const from = names[floats === 'float16' ? 'float32' : 'float16'].get(node) as string;
    return cast({ build }, from, floats);
  }
}

function applicationKey(node: GraphNode): string {
  return node.kind === 'operation' ? `${node.primitive} ${node.inputs.map((input) => input.id).join(' ')}` : '';
}

type EmissionContext = Pick<Emission<Primitive>, 'operand' | 'applies' | 'floats'> & { readonly inputs: Operand[] };

function emit(build: OnnxBuilder, node: GraphNode, { inputs, ...context }: EmissionContext): string {
  if (node.kind === 'input') return build.input(node.name, node.type.dtype, node.type.shape);
  if (node.kind === 'range') return build.range(node.type.shape[0] ?? 0);
  if (node.kind === 'constant') return build.initializer(node.value, node.name);
  const emitter = emitters[node.primitive] as Emitter<Primitive>;
  return emitter({
    build,
    inputs: inputs as never,
    attributes: node.attributes,
    output: node.type,
    ...context,
  });
}
