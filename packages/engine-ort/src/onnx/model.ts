import type { KindsOf } from '@dpar/check';
import type { Shape } from '@dpar/tensor';

/**
 * Element types of ONNX tensors. Graphs use int64 for shapes, axes and some indices, uint8 for quantised weights, float16 for
 * products on WebGPU.
 */
export type ElementType = 'float32' | 'float16' | 'int32' | 'int64' | 'bool' | 'uint8';

/** Attribute of a node, by its ONNX type. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly string: string };

/** Attributes of a node by name. */
export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>;

/** Application of an operator. */
export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** Domain of the operator. The standard domain is ''. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: OnnxAttributes;
}

/** Input or output of a graph. */
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  /** Sizes, or names of open sizes. */
  readonly shape: readonly (number | string)[];
  /** Documentation for readers of the file. */
  readonly documentation?: string | undefined;
}

/** Constant of the graph. The data are little-endian, as in memory. */
export interface OnnxTensor extends OnnxValue {
  readonly shape: Shape;
  readonly data: Float32Array | Uint16Array | Int32Array | BigInt64Array | Uint8Array;
}

/** Metadata of an ONNX file. */
export interface OnnxMetadata {
  /** Version of the program that wrote it. */
  readonly producerVersion?: string;
  readonly documentation?: string;
  /** Further texts by name, written to `metadata_props`. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** Kinds of {@link OnnxMetadata}. */
export const onnxMetadataKinds: KindsOf<OnnxMetadata> = {
  'producerVersion?': 'string',
  'documentation?': 'string',
  'properties?': 'object',
  '*': 'any',
};

/** Contents of an ONNX file. */
export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxTensor[];
  /** Nodes in topological order. */
  readonly nodes: readonly OnnxNode[];
  readonly metadata?: OnnxMetadata | undefined;
  /** Operator set versions by domain. */
  readonly opsets: Readonly<Record<string, number>>;
}
