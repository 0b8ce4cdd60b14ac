import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import type { ImageFeatures } from '../feature-network.js';
import { formatValue, type OnnxTensor, type OnnxValueMetadata, valueNamed } from './session.js';

/** Names of outputs by what they are. */
export type OnnxOutputNames = { readonly [F in keyof ImageFeatures]?: string };

/** Kinds of {@link OnnxOutputNames}. */
export const onnxOutputNamesKinds: KindsOf<OnnxOutputNames> = {
  'pool?': 'string',
  'spatial?': 'string',
  'logits?': 'string',
  '*': 'any',
};

/**
 * Finds out what a model gives. Not said, `pool` is the output of this name, or the only one with an axis of features
 * (`[N, D]`, or 4 axes of which two are 1); `spatial` and `logits` are the outputs of these names, if there are such.
 *
 * @returns Names of outputs by feature.
 * @throws DparError if `pool` is open, or a name is none of the model's.
 */
export function findOutputs(
  outputs: readonly OnnxValueMetadata[],
  given: OnnxOutputNames,
): Readonly<Record<string, string>> {
  const names: Record<string, string> = {};
  for (const feature of ['pool', 'spatial', 'logits'] as const) {
    const wanted = given[feature];
    if (wanted !== undefined) names[feature] = valueNamed(outputs, wanted, 'output').name;
    else if (outputs.some(({ name }) => name === feature)) names[feature] = feature;
  }
  names.pool ??= pooledOutput(outputs.filter(({ name }) => !Object.values(names).includes(name)));
  return names;
}

function pooledOutput(outputs: readonly OnnxValueMetadata[]): string {
  const pooled = outputs.filter(({ isTensor, shape = [] }) => isTensor && isPooled(shape));
  const [first, ...others] = pooled;
  if (first && others.length === 0) return first.name;
  throw new DparError(
    `createOnnxNetwork: expected one output of pooled features, [N, D] or [N, D, 1, 1], got ` +
      `${outputs.map(formatValue).join(', ') || 'none'}. Pass 'outputs: { pool: name }'.`,
  );
}

/** Whether a shape has one axis of features besides that of images. */
function isPooled([, ...sizes]: readonly (number | string)[]): boolean {
  return sizes.length === 1 || (sizes.length === 3 && sizes.filter((size) => size === 1).length >= 2);
}

/**
 * The rows of an output.
 * @param rows Images in the batch.
 * @throws DparError if it has not one row of float32 for each image, or pooled features have more than one axis.
 */
export async function rowsOf(feature: string, name: string, tensor: OnnxTensor, rows: number): Promise<Float32Array> {
  const { type, dims } = tensor;
  const data = await tensor.getData();
  const fits = dims.length >= 2 && dims[0] === rows && (feature !== 'pool' || isPooled(dims));
  if (!(data instanceof Float32Array) || !fits) {
    throw new DparError(
      `extract: expected float32 [${rows}, D]${feature === 'pool' ? ', pooled,' : ''} in the output '${name}', ` +
        `got ${type} [${dims.join(', ')}]. Export the network with float32 outputs${feature === 'pool' ? ', pooled over places' : ''}.`,
    );
  }
  return data;
}
