import protobuf from 'protobufjs';

/**
 * The part of the ONNX format (https://onnx.ai/onnx/repo-docs/IR.html) that small graphs need. Protobuf.js, the most used
 * library for Protocol Buffers, encodes by a schema as text, so that no generated code is needed.
 */
const schema = `
  syntax = "proto3";
  message Model { int64 ir_version = 1; string producer_name = 2; Graph graph = 7; repeated OperatorSet opset_import = 8; }
  message OperatorSet { string domain = 1; int64 version = 2; }
  message Graph {
    repeated Node node = 1; string name = 2; repeated Tensor initializer = 5;
    repeated Value input = 11; repeated Value output = 12;
  }
  message Node {
    repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
    repeated Attribute attribute = 5;
  }
  message Attribute { string name = 1; int64 i = 3; int32 type = 20; }
  message Tensor { repeated int64 dims = 1; int32 data_type = 2; repeated int64 int64_data = 7; string name = 8; }
  message Value { string name = 1; Type type = 2; }
  message Type { TensorType tensor_type = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Shape { repeated Dimension dim = 1; }
  message Dimension { int64 dim_value = 1; string dim_param = 2; }
`;

const Model = protobuf.parse(schema, { keepCase: true }).root.lookupType('Model');

/** Numbers of data types and attribute types in the format. */
const [float, int64, integerAttribute] = [1, 7, 2];

/** An operator: `[outputs]` = `op`(`inputs`) with whole-number attributes. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number>>;
}

/** A graph from float32 tensors to float32 tensors. */
export interface Graph {
  /** Names of inputs and outputs, with their axes: a number, or a name where any size will do. */
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly outputs: Readonly<Record<string, readonly (number | string)[]>>;
  /** int64 constants by name: a number, or a list [n]. */
  readonly constants: Readonly<Record<string, number | readonly number[]>>;
  readonly nodes: readonly Node[];
  /** Version of the operators. */
  readonly opset: number;
}

/** The bytes of an .onnx file. */
export function encode({ inputs, outputs, constants, nodes, opset }: Graph): Uint8Array {
  const values = (axes: Graph['inputs']) =>
    Object.entries(axes).map(([name, shape]) => ({
      name,
      type: { tensor_type: { elem_type: float, shape: { dim: shape.map(dimension) } } },
    }));
  const graph = {
    name: 'graph',
    input: values(inputs),
    output: values(outputs),
    initializer: Object.entries(constants).map(([name, value]) => ({
      name,
      dims: typeof value === 'number' ? [] : [value.length],
      data_type: int64,
      int64_data: typeof value === 'number' ? [value] : value,
    })),
    node: nodes.map(({ op, inputs, outputs, attributes = {} }) => ({
      op_type: op,
      input: inputs,
      output: outputs,
      attribute: Object.entries(attributes).map(([name, i]) => ({ name, i, type: integerAttribute })),
    })),
  };
  const model = { ir_version: 10, producer_name: 'rope-elsewhere', graph, opset_import: [{ version: opset }] };
  return Model.encode(Model.fromObject(model)).finish();
}

const dimension = (axis: number | string) => (typeof axis === 'number' ? { dim_value: axis } : { dim_param: axis });
