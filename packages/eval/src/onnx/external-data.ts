import { PbfReader } from 'pbf';

// Field numbers are those of onnx.proto (ONNX IR specification).
const fields = {
  model: { graph: 7 },
  graph: { node: 1, initializer: 5 },
  node: { attribute: 5 },
  attribute: { tensor: 5, graph: 6, tensors: 10, graphs: 11 },
  tensor: { externalData: 13 },
  entry: { key: 1, value: 2 },
} as const;

type Visit = (found: Set<string>, field: number, reader: PbfReader) => void;

/**
 * Places outside an ONNX file where its tensors lie: paths relative to its folder, as `model.onnx_data`.
 * @throws an error if the bytes are no protobuf message.
 */
export function externalDataFiles(model: Uint8Array): string[] {
  const found = new Set<string>();
  new PbfReader(model).readFields((field, set, reader) => {
    if (field === fields.model.graph) readMessage(reader, set, visitGraph);
  }, found);
  return [...found];
}

function readMessage(reader: PbfReader, found: Set<string>, visit: Visit): void {
  reader.readMessage((field, set, inner) => visit(set, field, inner), found);
}

const visitGraph: Visit = (found, field, reader) => {
  if (field === fields.graph.initializer) readMessage(reader, found, visitTensor);
  if (field === fields.graph.node) readMessage(reader, found, visitNode);
};

const visitNode: Visit = (found, field, reader) => {
  if (field === fields.node.attribute) readMessage(reader, found, visitAttribute);
};

const visitAttribute: Visit = (found, field, reader) => {
  const { tensor, tensors, graph, graphs } = fields.attribute;
  if (field === tensor || field === tensors) readMessage(reader, found, visitTensor);
  if (field === graph || field === graphs) readMessage(reader, found, visitGraph);
};

const visitTensor: Visit = (found, field, reader) => {
  if (field !== fields.tensor.externalData) return;
  const entry = reader.readMessage(
    (part, texts: Record<number, string>, inner) => {
      texts[part] = inner.readString();
    },
    {} as Record<number, string>,
  );
  const path = entry[fields.entry.value];
  if (entry[fields.entry.key] === 'location' && path !== undefined) found.add(path);
};
