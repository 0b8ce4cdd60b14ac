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
  readonly shape?: readonly (number | string)[];
}

const onnxValueMetadataKinds: KindsOf<OnnxValueMetadata> = {
  name: 'string',
  isTensor: 'boolean',
  'shape?': 'any[]',
  '*': 'any',
};

/** An InferenceSession of ONNX Runtime 1.22 or later. */
export interface OnnxSession<T = never> {
  readonly inputMetadata: readonly OnnxValueMetadata[];
  readonly outputMetadata: readonly OnnxValueMetadata[];
  run(feeds: Readonly<Record<string, T>>, fetches: readonly string[]): Promise<Readonly<Record<string, OnnxTensor>>>;
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

/** What is needed of `onnxruntime-node` or `onnxruntime-web`: pass the namespace. */
export interface OnnxRuntime<T extends OnnxTensor = OnnxTensor> {
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => T;
  readonly InferenceSession: { create(model: Uint8Array, options?: object): Promise<OnnxSession<T>> };
}

/** Kinds of {@link OnnxRuntime}. */
export const onnxRuntimeKinds: KindsOf<OnnxRuntime<OnnxTensor>> = {
  Tensor: 'function',
  InferenceSession: { create: 'function', '*': 'any' },
  '*': 'any',
};

/** A value as messages print it: `'features' [batch, 2048]`. */
export function formatValue({ name, isTensor, shape = [] }: OnnxValueMetadata): string {
  return `'${name}' ${isTensor ? `[${shape.join(', ')}]` : '(no tensor)'}`;
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
    `createOnnxNetwork: expected the name of an ${what} of the model (${values.map(formatValue).join(', ')}), got '${name}'.`,
  );
}
