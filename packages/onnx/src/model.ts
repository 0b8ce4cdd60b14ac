import type { HostTensor, Shape } from '@dpar/tensor';

/** Attribute of a node. Only the field of its type is set. */
export interface OnnxAttribute {
  readonly float?: number;
  readonly int?: number;
  readonly string?: string;
  readonly tensor?: OnnxConstant;
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
}

/** Constant of a graph: its values, or the reason why they cannot be read. */
export type OnnxConstant = { readonly value: HostTensor } | { readonly unreadable: string };

/** Application of an operator. A missing optional input has the name ''. */
export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** Domain of the operator; '' is the standard one. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** Input or output of a graph, or a described inner tensor. */
export interface OnnxPort {
  readonly name: string;
  /** Element type, such as `float32` or `int64`. */
  readonly type: string;
  /** Sizes; names or `undefined` for open ones. Undefined if the file does not state the rank. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

/** Graph of an ONNX file. Integers of all widths are int32, floats of all widths float32. */
export interface OnnxGraph {
  /** Nodes in topological order. */
  readonly nodes: readonly OnnxNode[];
  /** Constants by name. Those that are needed are converted later. */
  readonly constants: ReadonlyMap<string, StoredTensor>;
  /** Inputs without those that are constants. */
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  /** Version of the standard operator set. */
  readonly opset: number;
}

/** Place of the data of a tensor outside the file. */
export interface ExternalPlace {
  /** Path relative to the folder of the ONNX file. */
  readonly location: string;
  /** Bytes. */
  readonly offset: number;
  /** Bytes; undefined for all that follow. */
  readonly length: number | undefined;
}

/** Tensor as it is stored, before its data are converted. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: Shape;
  /** Number of the element type in the ONNX specification. */
  readonly type: number;
  readonly raw: Uint8Array | undefined;
  readonly numbers: readonly number[];
  readonly external: ExternalPlace | undefined;
}
