import { DparError, float32, type HostTensor } from '@dpar/tensor';
import type { OnnxGraph, OnnxNode } from './model.js';
import { describeNode } from './operators/call.js';
import { operators } from './operators/index.js';
import { batchNormLine } from './operators/normalization.js';
import { constantOf, type ExternalFiles } from './tensor-data.js';

/** Part of a graph that computes some tensors, and their names in the graph by the names that were asked for. */
export interface Selection extends Pick<OnnxGraph, 'nodes' | 'opset'> {
  readonly constants: ReadonlyMap<string, HostTensor>;
  readonly outputs: ReadonlyMap<string, string>;
}

/**
 * Selects the nodes that some tensors depend on.
 * @param wanted Names of tensors, or of nodes, which stand for their first output.
 * @param files Files of external data.
 * @throws DparError for an unknown name, operators that are not supported, or numbers that cannot be read.
 */
export function select(graph: OnnxGraph, wanted: readonly string[], files: ExternalFiles): Selection {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const outputs = new Map(wanted.map((name) => [name, tensorNamed(graph, makers, name)]));
  const needed = new Set(outputs.values());
  const nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((output) => needed.has(output))) return false;
      for (const input of node.inputs) needed.add(input);
      return true;
    })
    .reverse();
  checkOperators(nodes);
  const constants = constantsOf(graph, nodes, files);
  return foldBatchNorms({ nodes, constants, opset: graph.opset, outputs });
}

function tensorNamed(graph: OnnxGraph, makers: ReadonlyMap<string, OnnxNode>, name: string): string {
  if (makers.has(name)) return name;
  const output = graph.nodes.find((node) => node.name === name)?.outputs[0];
  if (output !== undefined) return output;
  const names = [...makers.keys()];
  const shown = [...names.slice(0, 12), ...(names.length > 12 ? [`${names.length - 12} more`] : [])].join(', ');
  throw new DparError(
    `readOnnxNetwork: expected the name of a tensor or node of the graph, got '${name}'. Choose among ${shown}.`,
  );
}

/** @throws DparError that names the operators that are not supported, and those that are. */
function checkOperators(nodes: readonly OnnxNode[]): void {
  const unknown = nodes.filter(({ domain, opType }) => domain !== '' || !Object.hasOwn(operators, opType));
  const [first] = unknown;
  if (first === undefined) return;
  const names = [...new Set(unknown.map(({ domain, opType }) => (domain === '' ? opType : `${domain}.${opType}`)))];
  throw new DparError(
    `readOnnxNetwork: expected operators among ${Object.keys(operators).sort().join(', ')}, got ${names.join(', ')}, ` +
      `first in ${describeNode(first)}. Choose tensors before this node, or export the network without these operators.`,
  );
}

/** Constants that nodes read. @throws DparError for one whose numbers cannot be read. */
function constantsOf(graph: OnnxGraph, nodes: readonly OnnxNode[], files: ExternalFiles): Map<string, HostTensor> {
  const constants = new Map<string, HostTensor>();
  for (const node of nodes) {
    for (const input of node.inputs) {
      const stored = graph.constants.get(input);
      if (stored === undefined || constants.has(input)) continue;
      const constant = constantOf(stored, files);
      if ('unreadable' in constant) {
        throw new DparError(
          `readOnnxNetwork: expected numbers inside the file for the tensor '${input}' of ${describeNode(node)}, ` +
            `got ${constant.unreadable}. Pass such files as 'externalData', or export with external_data=False.`,
        );
      }
      constants.set(input, constant.value);
    }
  }
  return constants;
}

/**
 * Folds each batch norm into the convolution before it, in float64, if nothing else reads the convolution. Networks then cost
 * one operator less per layer.
 */
function foldBatchNorms(selection: Selection): Selection {
  const constants = new Map(selection.constants);
  const readers = new Map<string, number>();
  for (const output of selection.outputs.values()) readers.set(output, 1);
  for (const { inputs } of selection.nodes) for (const name of inputs) readers.set(name, (readers.get(name) ?? 0) + 1);
  const convolutions = new Map(
    selection.nodes.flatMap((node) => (node.opType === 'Conv' ? [[node.outputs[0] ?? '', node] as const] : [])),
  );
  const folded = new Map<OnnxNode, OnnxNode | undefined>();
  for (const norm of selection.nodes) {
    if (norm.opType !== 'BatchNormalization') continue;
    const [source = '', ...parts] = norm.inputs;
    const convolution = convolutions.get(source);
    if (convolution === undefined || readers.get(source) !== 1) continue;
    const [, weightName = '', biasName = ''] = convolution.inputs;
    const [weight, bias, ...statistics] = [weightName, biasName, ...parts].map((name) => constants.get(name));
    if (weight === undefined || (biasName !== '' && bias === undefined)) continue;
    if (statistics.length !== 4 || statistics.includes(undefined)) continue;
    if (norm.attributes.training_mode?.int === 1) continue;
    const line = batchNormLine(statistics as HostTensor[], norm.attributes.epsilon?.float ?? 1e-5);
    const [output = ''] = norm.outputs;
    const names = { weight: `${output}.folded_weight`, bias: `${output}.folded_bias` };
    constants.set(names.weight, scaledRows(weight, line.factor));
    const moved = line.addend.map((value, i) => value + (line.factor[i] as number) * ((bias?.data[i] as number) ?? 0));
    constants.set(names.bias, float32([moved.length], moved));
    const inputs = [convolution.inputs[0] ?? '', names.weight, names.bias];
    folded.set(convolution, undefined);
    folded.set(norm, { ...convolution, name: convolution.name || norm.name, inputs, outputs: [output] });
  }
  const nodes = selection.nodes.flatMap((node) => (folded.has(node) ? (folded.get(node) ?? []) : node));
  return { ...selection, nodes, constants };
}

/** Weight [O, ...] whose rows are multiplied by one factor each. */
function scaledRows({ shape, data }: HostTensor, factor: Float64Array): HostTensor {
  const size = data.length / factor.length;
  return float32(
    shape,
    Float32Array.from(data, (value, i) => value * (factor[Math.floor(i / size)] as number)),
  );
}
