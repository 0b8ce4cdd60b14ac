import type { Primitive, Tensors } from '@dpar/tensor';
import { elementwiseEmitters } from './emitters/elementwise.js';
import type { Emission, Emitter, Emitters, Operand } from './emitters/emitter.js';
import { imageEmitters } from './emitters/images.js';
import { indexingEmitters } from './emitters/indexing.js';
import { layoutEmitters } from './emitters/layout.js';
import { productEmitters } from './emitters/products.js';
import { reductionEmitters } from './emitters/reductions.js';
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
}

/** Writes a traced function as an ONNX graph. */
export function lower(traced: TracedFunction, { allInputs = false, ...options }: LowerOptions): LoweredFunction {
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
  const operands = new Map<GraphNode, Operand>();
  const operand = (node: GraphNode): Operand => operands.get(node) as Operand;
  const results = Object.values(traced.outputs);
  const nodes = reachable(allInputs ? [...Object.values(traced.inputs), ...results] : results);
  const applied = new Set(nodes.map(applicationKey));
  const applies = (primitive: Primitive, x: GraphNode): boolean => applied.has(`${primitive} ${x.id}`);
  for (const node of nodes) {
    operands.set(node, { name: emit(build, node, { operand, applies }), type: node.type, node });
  }
  for (const [name, node] of outputs) {
    build.output(operand(node).name, outputNames[name] ?? name, node.type.dtype, node.type.shape);
  }
  return { model: build.finish(), outputNames };
}

function applicationKey(node: GraphNode): string {
  return node.kind === 'operation' ? `${node.primitive} ${node.inputs.map((input) => input.id).join(' ')}` : '';
}

function emit(build: OnnxBuilder, node: GraphNode, context: Pick<Emission<Primitive>, 'operand' | 'applies'>): string {
  if (node.kind === 'input') return build.input(node.name, node.type.dtype, node.type.shape);
  if (node.kind === 'range') return build.range(node.type.shape[0] ?? 0);
  if (node.kind === 'constant') return build.initializer(node.value, node.name);
  const emitter = emitters[node.primitive] as Emitter<Primitive>;
  return emitter({
    build,
    inputs: node.inputs.map(context.operand) as never,
    attributes: node.attributes,
    output: node.type,
    ...context,
  });
}
