import type { KindsOf } from '@dpar/check';
import type { Shape } from '@dpar/tensor';

/**
 * Element types of ONNX tensors that are used here; int64 is for shapes, axes and some indices inside the graph, uint8 for
 * quantised weights.
 */
export type ElementType = 'float32' | 'int32' | 'int64' | 'bool' | 'uint8';

/** An attribute of a node, by its ONNX type. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly string: string };

/** Attributes of a node by name. */
export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>;

/** One operator application. */
export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** '' is the standard domain. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: OnnxAttributes;
}

/** A graph input or output. */
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  /** Sizes, or names of sizes that are not fixed. */
  readonly shape: readonly (number | string)[];
  /** For readers of the file. */
  readonly documentation?: string;
}

/** A constant of the graph; the data are little-endian as in memory. */
export interface OnnxTensor extends OnnxValue {
  readonly shape: Shape;
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

/** What an ONNX file says of itself. */
export interface OnnxMetadata {
  /** Version of the program that wrote it. */
  readonly producerVersion?: string;
  readonly documentation?: string;
  /** Any further texts by name: `metadata_props`. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** Kinds of {@link OnnxMetadata}. */
export const onnxMetadataKinds: KindsOf<OnnxMetadata> = {
  'producerVersion?': 'string',
  'documentation?': 'string',
  'properties?': 'object',
  '*': 'any',
};

/** What the writer makes a file of. */
export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxTensor[];
  /** In an order in which each node comes after those that it reads. */
  readonly nodes: readonly OnnxNode[];
  /** What the file says of itself. */
  readonly metadata?: OnnxMetadata;
  /** Operator set versions by domain. */
  readonly opsets: Readonly<Record<string, number>>;
}
