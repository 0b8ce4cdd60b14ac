import { DparError } from '@dpar/tensor';
import { PbfWriter } from 'pbf';
import type { ElementType, OnnxAttribute, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.js';

// Field and enumeration numbers are those of onnx.proto (ONNX IR specification).
const irVersion = 9;
/** Numbers of the element types. */
export const elementTypes: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};
const lengthDelimited = 2;
const tensorsOfGraph = 5;
const external = 1;
/** Limit in bytes of a protobuf message, and so of an ONNX file with its weights inside: 2 GiB. */
const maximumBytes = 2 ** 31 - 1;

/** Data of a tensor outside the file. `path` is the location that the file names. */
export interface ExternalData {
  readonly path: string;
  /** Offset at that location, in bytes. */
  readonly offset: number;
  readonly data: Uint8Array;
}

/** ONNX file in pieces, and the data outside it. */
export interface ModelParts {
  readonly chunks: readonly Uint8Array[];
  readonly externalData: readonly ExternalData[];
}

/** ONNX file, and the data outside it. */
export interface EncodedModel extends Pick<ModelParts, 'externalData'> {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Options for large tensors. */
export interface ExternalOptions {
  /** Limit in bytes for tensors inside the file. Larger ones stay outside, as views of their data. Default: none. */
  readonly largest?: number;
  /** File for all large tensors, at multiples of 4096 bytes. Default: each tensor has its own file. */
  readonly dataFile?: string;
}

/** Alignment of offsets in a data file: a page, the unit that runtimes map into memory. */
const pageBytes = 4096;

/**
 * Encodes an ONNX file in pieces. Constants are views: nothing large is copied.
 * @throws DparError if the file exceeds the 2 GiB of the format.
 */
export function modelParts(model: OnnxModel, { largest = Infinity, dataFile }: ExternalOptions = {}): ModelParts {
  const externalData: ExternalData[] = [];
  let end = 0;
  const tensors = model.initializers.flatMap((tensor) => {
    if (tensor.data.byteLength <= largest) return tensorField(tensor);
    const data = bytesOf(tensor);
    const place = { path: dataFile ?? tensor.name, offset: dataFile === undefined ? 0 : end, data };
    end = Math.ceil((end + data.length) / pageBytes) * pageBytes;
    externalData.push(place);
    return externalTensorField(tensor, place);
  });
  const graph = [encoded(model, writeGraph), ...tensors];
  const chunks = [encoded(model, writeHeader), fieldStart(7, totalLength(graph)), ...graph];
  const length = totalLength(chunks);
  if (length > maximumBytes) {
    throw new DparError(
      `encodeModel: expected a model of at most 2 GiB, got ${(length / 2 ** 30).toFixed(1)} GiB. ` +
        'Keep the data of large tensors outside the file, or pass some weights as inputs.',
    );
  }
  return { chunks, externalData };
}

/** Encodes an ONNX file. @throws DparError if it exceeds 2 GiB. */
export function encodeModel(model: OnnxModel, options: ExternalOptions = {}): EncodedModel {
  const { chunks, externalData } = modelParts(model, options);
  // The only copy of the constants. All pieces before are views.
  const bytes = new Uint8Array(totalLength(chunks));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return { bytes, externalData };
}

function totalLength(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function encoded<V>(value: V, write: (value: V, pbf: PbfWriter) => void): Uint8Array {
  const pbf = new PbfWriter();
  write(value, pbf);
  return pbf.finish();
}

/** Tag and length of a field whose contents follow. */
function fieldStart(field: number, length: number): Uint8Array {
  return encoded(length, (value, pbf) => {
    pbf.writeTag(field, lengthDelimited);
    pbf.writeVarint(value);
  });
}

function writeHeader(model: OnnxModel, pbf: PbfWriter): void {
  pbf.writeVarintField(1, irVersion);
  const { producerVersion, documentation, properties = {} } = model.metadata ?? {};
  pbf.writeStringField(2, 'dpar');
  if (producerVersion !== undefined) pbf.writeStringField(3, producerVersion);
  if (documentation !== undefined) pbf.writeStringField(6, documentation);
  for (const opset of Object.entries(model.opsets)) {
    pbf.writeMessage(
      8,
      ([domain, version], message) => {
        message.writeStringField(1, domain);
        message.writeVarintField(2, version);
      },
      opset,
    );
  }
  for (const property of Object.entries(properties)) pbf.writeMessage(14, writeEntry, property);
}

/** Writes a StringStringEntryProto, as used for metadata and external data. */
function writeEntry([key, value]: readonly [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(1, key);
  pbf.writeStringField(2, value);
}

function writeGraph(model: OnnxModel, pbf: PbfWriter): void {
  for (const node of model.nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, model.name);
  for (const value of model.inputs) pbf.writeMessage(11, writeValue, value);
  for (const value of model.outputs) pbf.writeMessage(12, writeValue, value);
}

function writeNode(node: OnnxNode, pbf: PbfWriter): void {
  for (const input of node.inputs) pbf.writeStringField(1, input);
  for (const output of node.outputs) pbf.writeStringField(2, output);
  pbf.writeStringField(3, node.name);
  pbf.writeStringField(4, node.opType);
  for (const attribute of Object.entries(node.attributes)) pbf.writeMessage(5, writeAttribute, attribute);
  if (node.domain !== '') pbf.writeStringField(7, node.domain);
}

function writeAttribute([name, value]: [string, OnnxAttribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  if ('float' in value) {
    pbf.writeFloatField(2, value.float);
    pbf.writeVarintField(20, 1);
  } else if ('int' in value) {
    pbf.writeVarintField(3, value.int);
    pbf.writeVarintField(20, 2);
  } else if ('string' in value) {
    pbf.writeStringField(4, value.string);
    pbf.writeVarintField(20, 3);
  } else {
    for (const int of value.ints) pbf.writeVarintField(8, int);
    pbf.writeVarintField(20, 7);
  }
}

function writeValue({ name, type, shape, documentation }: OnnxValue, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, (_, typeMessage) => typeMessage.writeMessage(1, writeTensorType, { type, shape }), undefined);
  if (documentation !== undefined) pbf.writeStringField(3, documentation);
}

function writeTensorType({ type, shape }: Pick<OnnxValue, 'type' | 'shape'>, pbf: PbfWriter): void {
  pbf.writeVarintField(1, elementTypes[type]);
  pbf.writeMessage(
    2,
    (dimensions, shapeMessage) => {
      for (const dimension of dimensions) {
        shapeMessage.writeMessage(1, writeDimension, dimension);
      }
    },
    shape,
  );
}

function writeDimension(size: number | string, pbf: PbfWriter): void {
  if (typeof size === 'number') pbf.writeVarintField(1, size);
  else pbf.writeStringField(2, size);
}

function bytesOf({ data }: OnnxTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function writeTensorHeader({ name, type, shape }: OnnxTensor, pbf: PbfWriter): void {
  for (const dimension of shape) pbf.writeVarintField(1, dimension);
  pbf.writeVarintField(2, elementTypes[type]);
  pbf.writeStringField(8, name);
}

/** Field of a tensor of the graph: its description, and a view of its data. */
function tensorField(tensor: OnnxTensor): Uint8Array[] {
  const raw = bytesOf(tensor);
  const content = [encoded(tensor, writeTensorHeader), fieldStart(9, raw.length), raw];
  return [fieldStart(tensorsOfGraph, totalLength(content)), ...content];
}

/** Field of a tensor of the graph whose data lie outside. */
function externalTensorField(tensor: OnnxTensor, { path, offset, data }: ExternalData): Uint8Array[] {
  const entries = { location: path, offset: String(offset), length: String(data.length) };
  const content = encoded(tensor, (_, pbf) => {
    writeTensorHeader(tensor, pbf);
    for (const entry of Object.entries(entries)) pbf.writeMessage(13, writeEntry, entry);
    pbf.writeVarintField(14, external);
  });
  return [fieldStart(tensorsOfGraph, content.length), content];
}
