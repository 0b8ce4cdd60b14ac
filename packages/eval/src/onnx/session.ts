import { type KindsOf, listOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';

/** A tensor of ONNX Runtime. */
export interface OnnxTensor {
  readonly type: string;
  readonly dims: readonly number[];
  getData(): Promise<unknown>;
  dispose(): void;
}

/** Metadata of an input or output. Open sizes are names. */
export interface OnnxValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  /** Element type. Default: float32. */
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

const onnxValueMetadataKinds: KindsOf<OnnxValueMetadata> = {
  name: 'string',
  isTensor: 'boolean',
  'type?': 'string',
  'shape?': 'any[]',
  '*': 'any',
};

/** An InferenceSession of ONNX Runtime 1.22 or later. */
export interface OnnxSession<T = never> {
  readonly inputMetadata: readonly OnnxValueMetadata[];
  readonly outputMetadata: readonly OnnxValueMetadata[];
  run(
    feeds: Readonly<Record<string, T>>,
    fetches: readonly string[],
    options?: { readonly logSeverityLevel?: 4 },
  ): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}

export const onnxSessionKinds: KindsOf<OnnxSession<object>> = {
  inputMetadata: listOf(onnxValueMetadataKinds),
  outputMetadata: listOf(onnxValueMetadataKinds),
  run: 'function',
  release: 'function',
  '*': 'any',
};

/** Data of inputs. Float16 numbers are passed as their bits. */
export type OnnxData = Float32Array | Float64Array | Uint16Array | Uint8Array | BigInt64Array | Int32Array;

/** Element types of inputs. */
export type OnnxDataType = 'float32' | 'float64' | 'float16' | 'uint8' | 'int64' | 'int32';

/** Part of the namespace of `onnxruntime-node` or `onnxruntime-web` that is used. */
export interface OnnxRuntime<T extends OnnxTensor = OnnxTensor> {
  readonly Tensor: new (type: OnnxDataType, data: OnnxData, dims: readonly number[]) => T;
  readonly InferenceSession: {
    create(model: Uint8Array, options?: object): Promise<OnnxSession<T>>;
    /** Opens a file by its path, in Node. */
    create(path: string, options?: object): Promise<OnnxSession<T>>;
  };
}

export const onnxRuntimeKinds: KindsOf<OnnxRuntime<OnnxTensor>> = {
  Tensor: 'function',
  InferenceSession: { create: 'function', '*': 'any' },
  '*': 'any',
};

/** Formats a value for error messages: `'features' [batch, 2048]`. */
export function formatValue({ name, isTensor, shape = [] }: OnnxValueMetadata): string {
  return `'${name}' ${isTensor ? `[${shape.map((size) => (size === '' ? '?' : size)).join(', ')}]` : '(no tensor)'}`;
}

/** Finds a value by name. @throws DparError that lists the available values. */
export function valueNamed(
  values: readonly OnnxValueMetadata[],
  name: string,
  what: 'input' | 'output',
): OnnxValueMetadata {
  const found = values.find((value) => value.name === name);
  if (found) return found;
  throw new DparError(
    `createOnnxNetwork: expected the name of an ${what} of the model (${values.map(formatValue).join(', ')}), got '${name}'. ` +
      'Pass one of these.',
  );
}
