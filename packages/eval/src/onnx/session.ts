import { type KindsOf, listOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';

/** A tensor of ONNX Runtime. */
export interface OnnxTensor {
  readonly type: string;
  readonly dims: readonly number[];
  getData(): Promise<unknown>;
  dispose(): void;
}

/** What is known of an input or output; sizes that are not fixed are names. */
export interface OnnxValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  /** Element type; float32 if it is not said. */
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

/** Kinds of {@link OnnxSession}. */
export const onnxSessionKinds: KindsOf<OnnxSession<object>> = {
  inputMetadata: listOf(onnxValueMetadataKinds),
  outputMetadata: listOf(onnxValueMetadataKinds),
  run: 'function',
  release: 'function',
  '*': 'any',
};

/** Data of inputs; float16 as bits. */
export type OnnxData = Float32Array | Float64Array | Uint16Array | Uint8Array | BigInt64Array | Int32Array;

/** Element types of inputs. */
export type OnnxDataType = 'float32' | 'float64' | 'float16' | 'uint8' | 'int64' | 'int32';

/** What is needed of `onnxruntime-node` or `onnxruntime-web`: pass the namespace. */
export interface OnnxRuntime<T extends OnnxTensor = OnnxTensor> {
  readonly Tensor: new (type: OnnxDataType, data: OnnxData, dims: readonly number[]) => T;
  readonly InferenceSession: {
    create(model: Uint8Array, options?: object): Promise<OnnxSession<T>>;
    /** Takes the path of a file, in Node. */
    create(path: string, options?: object): Promise<OnnxSession<T>>;
  };
}

/** Kinds of {@link OnnxRuntime}. */
export const onnxRuntimeKinds: KindsOf<OnnxRuntime<OnnxTensor>> = {
  Tensor: 'function',
  InferenceSession: { create: 'function', '*': 'any' },
  '*': 'any',
};

/** A value as messages print it: `'features' [batch, 2048]`. */
export function formatValue({ name, isTensor, shape = [] }: OnnxValueMetadata): string {
  return `'${name}' ${isTensor ? `[${shape.map((size) => (size === '' ? '?' : size)).join(', ')}]` : '(no tensor)'}`;
}

/** The value of a name. @throws DparError that lists those that there are. */
export function valueNamed(
  values: readonly OnnxValueMetadata[],
  name: string,
  what: 'input' | 'output',
): OnnxValueMetadata {
  const found = values.find((value) => value.name === name);
  if (found) return found;
  throw new DparError(
    `createOnnxNetwork: expected the name of an ${what} of the model (${values.map(formatValue).join(', ')}), got '${name}'. Pass one of these.`,
  );
}
