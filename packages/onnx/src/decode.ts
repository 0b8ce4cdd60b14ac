import { DparError } from '@dpar/tensor';
import { PbfReader } from 'pbf';
import { checkArguments } from './check-arguments.js';
import type { ExternalPlace, OnnxAttribute, OnnxGraph, OnnxNode, OnnxPort, StoredTensor } from './model.js';
import { constantOf, elementTypeName } from './tensor-data.js';

// Field numbers are those of onnx.proto (ONNX IR specification).

type Draft<V> = { -readonly [K in keyof V]: V[K] };

/**
 * Reads the graph of an ONNX file.
 * @throws DparError if the bytes are not an ONNX file.
 */
export function decodeGraph(bytes: Uint8Array): OnnxGraph {
  const opsets: Record<string, number> = {};
  let graph: OnnxGraph | undefined;
  try {
    new PbfReader(bytes).readFields((field, _, reader) => {
      if (field === 7) graph = readGraph(reader);
      else if (field === 8) {
        const { domain, version } = readOpset(reader);
        opsets[domain] = version;
      }
    }, undefined);
  } catch (cause) {
    if (cause instanceof DparError) throw cause;
    throw noModel(bytes, cause);
  }
  if (graph === undefined || graph.nodes.length === 0) throw noModel(bytes);
  return { ...graph, opset: opsets[''] ?? opsets['ai.onnx'] ?? 1 };
}

function noModel(bytes: Uint8Array, cause?: unknown): DparError {
  return new DparError(
    `readOnnxNetwork: expected an ONNX file, got ${bytes.length} bytes without a graph. Export the network with torch.onnx.export.`,
    { cause },
  );
}

/**
 * Paths of the files with external tensors of an ONNX model, relative to its folder, such as `model.onnx_data`.
 * @throws an error if the bytes are not a protobuf message.
 */
export function externalDataFiles(model: Uint8Array): string[] {
  checkArguments('externalDataFiles', { model }, { model: 'Uint8Array' });
  const found = new Set<string>();
  const inner: Readonly<Record<string, Readonly<Record<number, string>>>> = {
    model: { 7: 'graph' },
    graph: { 1: 'node', 5: 'tensor' },
    node: { 5: 'attribute' },
    attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph' },
    tensor: { 13: 'external' },
  };
  const visit =
    (message: string) =>
    (field: number, _: unknown, reader: PbfReader): void => {
      const next = inner[message]?.[field];
      if (next === 'external') {
        const [key, value] = readEntry(reader);
        if (key === 'location') found.add(value);
      } else if (next !== undefined) reader.readMessage(visit(next), undefined);
    };
  new PbfReader(model).readFields(visit('model'), undefined);
  return [...found];
}

function readOpset(reader: PbfReader): { domain: string; version: number } {
  return reader.readMessage(
    (field, opset, inner) => {
      if (field === 1) opset.domain = inner.readString();
      else if (field === 2) opset.version = inner.readVarint(true);
    },
    { domain: '', version: 1 },
  );
}

function readGraph(reader: PbfReader): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const tensors: StoredTensor[] = [];
  const inputs: OnnxPort[] = [];
  const outputs: OnnxPort[] = [];
  reader.readMessage((field, _, inner) => {
    if (field === 1) nodes.push(readNode(inner));
    else if (field === 5) tensors.push(readTensor(inner));
    else if (field === 11) inputs.push(readPort(inner));
    else if (field === 12) outputs.push(readPort(inner));
  }, undefined);
  const constants = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return { nodes, constants, inputs: inputs.filter(({ name }) => !constants.has(name)), outputs, opset: 1 };
}

function readNode(reader: PbfReader): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Record<string, OnnxAttribute> = {};
  const node = { name: '', opType: '', domain: '', inputs, outputs, attributes };
  return reader.readMessage((field, found, inner) => {
    if (field === 1) inputs.push(inner.readString());
    else if (field === 2) outputs.push(inner.readString());
    else if (field === 3) found.name = inner.readString();
    else if (field === 4) found.opType = inner.readString();
    else if (field === 5) {
      const [name, attribute] = readAttribute(inner);
      attributes[name] = attribute;
    } else if (field === 7) found.domain = standardDomain(inner.readString());
  }, node);
}

function standardDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function readAttribute(reader: PbfReader): [string, OnnxAttribute] {
  const attribute: Draft<OnnxAttribute> = {};
  const floats: number[] = [];
  const ints: number[] = [];
  let [name, type] = ['', 0];
  reader.readMessage((field, _, inner) => {
    if (field === 1) name = inner.readString();
    else if (field === 2) attribute.float = inner.readFloat();
    else if (field === 3) attribute.int = inner.readVarint(true);
    else if (field === 4) attribute.string = inner.readString();
    else if (field === 5) attribute.tensor = constantOf(readTensor(inner), {});
    else if (field === 7) inner.readPackedFloat(floats);
    else if (field === 8) inner.readPackedVarint(ints, true);
    else if (field === 20) type = inner.readVarint();
  }, undefined);
  // Zeros and empty lists need not be written.
  if (type === 1) attribute.float ??= 0;
  else if (type === 2) attribute.int ??= 0;
  else if (type === 3) attribute.string ??= '';
  if (floats.length > 0 || type === 6) attribute.floats = floats;
  if (ints.length > 0 || type === 7) attribute.ints = ints;
  return [name, attribute];
}

function readPort(reader: PbfReader): OnnxPort {
  const port: Draft<OnnxPort> = { name: '', type: 'no tensor', shape: undefined };
  return reader.readMessage((field, found, inner) => {
    if (field === 1) found.name = inner.readString();
    else if (field === 2) {
      inner.readMessage((kind, _, typed) => {
        if (kind === 1) Object.assign(found, readTensorType(typed));
      }, undefined);
    }
  }, port);
}

function readTensorType(reader: PbfReader): Omit<OnnxPort, 'name'> {
  const result: Draft<Omit<OnnxPort, 'name'>> = { type: '', shape: undefined };
  return reader.readMessage((field, found, inner) => {
    if (field === 1) found.type = elementTypeName(inner.readVarint());
    else if (field === 2) {
      const shape: (number | string | undefined)[] = [];
      inner.readMessage((dimension, _, sized) => {
        if (dimension === 1) shape.push(readDimension(sized));
      }, undefined);
      found.shape = shape;
    }
  }, result);
}

function readDimension(reader: PbfReader): number | string | undefined {
  let size: number | string | undefined;
  reader.readMessage((field, _, inner) => {
    if (field === 1) size = inner.readVarint(true);
    else if (field === 2) size = inner.readString() || undefined;
  }, undefined);
  return size;
}

function readTensor(reader: PbfReader): StoredTensor {
  const shape: number[] = [];
  const numbers: number[] = [];
  const entries: Record<string, string> = {};
  let isExternal = false;
  const tensor: Draft<StoredTensor> = { name: '', shape, type: 0, raw: undefined, numbers, external: undefined };
  reader.readMessage((field, found, inner) => {
    if (field === 1) inner.readPackedVarint(shape, true);
    else if (field === 2) found.type = inner.readVarint();
    else if (field === 4) inner.readPackedFloat(numbers);
    else if (field === 5 || field === 7) inner.readPackedVarint(numbers, true);
    else if (field === 8) found.name = inner.readString();
    else if (field === 9) found.raw = inner.readBytes();
    else if (field === 10) inner.readPackedDouble(numbers);
    else if (field === 11) inner.readPackedVarint(numbers);
    else if (field === 13) {
      const [key, value] = readEntry(inner);
      entries[key] = value;
    } else if (field === 14) isExternal = inner.readVarint() === 1;
  }, tensor);
  if (isExternal) tensor.external = placeOf(entries);
  return tensor;
}

function placeOf({ location = '', offset = '0', length }: Readonly<Record<string, string>>): ExternalPlace {
  return { location, offset: Number(offset), length: length === undefined ? undefined : Number(length) };
}

/** Reads a StringStringEntryProto. */
function readEntry(reader: PbfReader): readonly [key: string, value: string] {
  const { key, value } = reader.readMessage(
    (field, entry, inner) => {
      if (field === 1) entry.key = inner.readString();
      else if (field === 2) entry.value = inner.readString();
    },
    { key: '', value: '' },
  );
  return [key, value];
}
