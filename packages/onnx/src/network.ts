import type { KindsOf } from '@dpar/check';
import { DparError, type HostTensor, named, type Ops, referenceOps, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { decodeGraph } from './decode.js';
import { type Selection, select } from './graph.js';
import type { OnnxNode, OnnxPort } from './model.js';
import { Constant, OperatorCall, Several, type Value } from './operators/call.js';
import { operators } from './operators/index.js';
import type { ExternalFiles } from './tensor-data.js';

/** Options of {@link readOnnxNetwork}. */
export interface OnnxNetworkOptions {
  /**
   * Tensors to compute: names of outputs, of inner tensors, or of nodes (their first output). Default: all outputs of the
   * graph.
   */
  readonly outputs?: readonly string[];
  /** Contents of the files of external data, by the path that the ONNX file names (see `externalDataFiles`). */
  readonly externalData?: ExternalFiles;
}

const optionsKinds: KindsOf<OnnxNetworkOptions> = { 'outputs?': 'string[]', 'externalData?': 'object' };

/** Network of an ONNX file as a function over `Ops`: engines run it, trace it, and differentiate it. */
export interface OnnxNetwork {
  /** Inputs, without the weights. */
  readonly inputs: readonly OnnxPort[];
  /** Names of the computed tensors. */
  readonly outputs: readonly string[];
  /**
   * Computes the outputs. The weights are constants of the graph. All numbers are float32, whole numbers int32.
   * @param inputs By the names of {@link OnnxNetwork.inputs}. Their shapes fix all others.
   * @throws DparError for a missing input, or a form of an operator that is not supported.
   */
  run<T>(ops: Ops<T>, inputs: Tensors<T>): Tensors<T>;
}

/**
 * Reads an ONNX file as a function over `Ops`. Batch norms are folded into the convolutions before them.
 *
 * The operators are those of feature networks such as VGG, ResNet, Inception, ConvNeXt and ViT. Operator sets 7 to 23 are
 * tested by exports of PyTorch. Source of all rules: the ONNX operator specification.
 * @throws DparError if the file is no ONNX file, an output is unknown, or an operator that the outputs need is not supported.
 */
export function readOnnxNetwork(bytes: Uint8Array, options: OnnxNetworkOptions = {}): OnnxNetwork {
  checkArguments('readOnnxNetwork', { bytes, options }, { bytes: 'Uint8Array', 'options?': optionsKinds });
  const graph = decodeGraph(bytes);
  const outputs = options.outputs ?? graph.outputs.map(({ name }) => name);
  const selection = select(graph, outputs, options.externalData ?? {});
  return {
    inputs: graph.inputs,
    outputs,
    run(ops, inputs) {
      checkArguments('OnnxNetwork.run', { ops, inputs }, { ops: 'Ops', inputs: 'object' });
      return runSelection(selection, graph.inputs, ops, inputs);
    },
  };
}

/** Limit in elements up to which a node of constants is computed at once. Engines fold larger ones. */
const foldedElements = 1 << 16;

/** Operators of constants that cost nothing, whatever their size. */
const passedThrough: ReadonlySet<string> = new Set(['Constant', 'Identity']);

function runSelection<T>(
  { nodes, constants, opset, outputs }: Selection,
  ports: readonly OnnxPort[],
  ops: Ops<T>,
  inputs: Tensors<T>,
): Tensors<T> {
  const lifted = new Map<HostTensor, T>();
  const lift = (constant: HostTensor): T => {
    const known = lifted.get(constant) ?? ops.constant(constant);
    lifted.set(constant, known);
    return known;
  };
  const values = new Map<string, Value<T>>();
  for (const [name, constant] of constants) values.set(name, { constant });
  const read = new Set(nodes.flatMap((node) => node.inputs));
  for (const { name } of ports) if (read.has(name)) values.set(name, { tensor: named(inputs, name) });
  for (const node of nodes) {
    const given = node.inputs.map((name) => (name === '' ? undefined : valueNamed(values, name, node)));
    const results = isFolded(node, given)
      ? compute(new OperatorCall<HostTensor>(referenceOps, node, opset, given as Value<HostTensor>[], (x) => x), known)
      : compute(new OperatorCall(ops, node, opset, given, lift), (tensor: T) => ({ tensor }));
    results.forEach((value, i) => {
      const name = node.outputs[i];
      if (name !== undefined && name !== '') values.set(name, value as Value<T>);
    });
  }
  return Object.fromEntries(
    [...outputs].map(([name, tensor]) => {
      const value = values.get(tensor) as Value<T>;
      return [name, 'tensor' in value ? value.tensor : lift(value.constant)];
    }),
  );
}

function known(constant: HostTensor): Value<HostTensor> {
  return { constant };
}

function valueNamed<T>(
  values: ReadonlyMap<string, Value<T>>,
  name: string,
  { name: node, opType }: OnnxNode,
): Value<T> {
  const value = values.get(name);
  if (value !== undefined) return value;
  throw new DparError(
    `OnnxNetwork.run: expected the tensor '${name}' before the node '${node}' (${opType}), got nothing that computes it. ` +
      'The file is damaged: export it again.',
  );
}

/** True for a node whose inputs are known, and which is cheap to compute or has numbers that engines need at once. */
function isFolded<T>(node: OnnxNode, inputs: readonly (Value<T> | undefined)[]): boolean {
  let elements = 0;
  for (const value of inputs) {
    if (value === undefined) continue;
    if (!('constant' in value)) return false;
    if (value.constant.dtype === 'float32') elements += value.constant.data.length;
  }
  return elements <= foldedElements || passedThrough.has(node.opType);
}

function compute<T, V extends Value<T>>(call: OperatorCall<T>, toValue: (tensor: T) => V): (V | Value<T>)[] {
  const operator = operators[call.node.opType] as (typeof operators)[string];
  const result = operator(call);
  const values = result instanceof Several ? result.values : [result];
  return values.map((value) => (value instanceof Constant ? { constant: value.value } : toValue(value as T)));
}
