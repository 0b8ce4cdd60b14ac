import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import type { ImageFeatures } from '../feature-network.js';
import { formatValue, type OnnxTensor, type OnnxValueMetadata, valueNamed } from './session.js';
import { decodeValues, featureTypes } from './values.js';

/** Names of a model's outputs, by feature. */
export type OnnxOutputNames = { readonly [F in keyof ImageFeatures]?: string };

export const onnxOutputNamesKinds: KindsOf<OnnxOutputNames> = {
  'pool?': 'string',
  'spatial?': 'string',
  'logits?': 'string',
};

/**
 * Pooling of a sequence [N, T, D] of tokens to features [N, D]. `first` takes the first token, the class token of ViT, DINOv2
 * and CLIP. `mean` takes the mean over all tokens.
 */
export type TokenPooling = 'first' | 'mean';

/** All ways of pooling. */
export const tokenPoolings: readonly TokenPooling[] = ['first', 'mean'];

/** Usual names of outputs with features of images, in order of preference. */
const usualNames = ['image_embeds', 'pooler_output'];

/** Outputs of a model that hold features. */
export interface OnnxOutputs {
  /** Names by feature. */
  readonly names: Readonly<Record<string, string>>;
  /** True if there were several candidates for `pool`. */
  readonly chosen: boolean;
}

/**
 * Finds the outputs with features. The defaults are the outputs named `pool`, `spatial` and `logits`. Without an output
 * `pool`, the only output with one axis of features (`[N, D]`, or further axes of 1) is used. If there are several, the
 * one with a usual name is used.
 *
 * @param tokens Pooling of tokens. `pool` may then be a sequence.
 * @throws DparError if `pool` is ambiguous, the model has no output of a given name, or an output is not of floating-point numbers.
 */
export function findOutputs(
  outputs: readonly OnnxValueMetadata[],
  given: OnnxOutputNames,
  tokens?: TokenPooling,
): OnnxOutputs {
  const names: Record<string, string> = {};
  for (const feature of ['pool', 'spatial', 'logits'] as const) {
    const wanted = given[feature];
    if (wanted !== undefined) names[feature] = valueNamed(outputs, wanted, 'output').name;
    else if (outputs.some(({ name }) => name === feature)) names[feature] = feature;
  }
  const chosen = names.pool === undefined ? pooledOutput(outputs, Object.values(names), tokens) : undefined;
  names.pool ??= chosen?.name as string;
  for (const name of Object.values(names)) checkType(valueNamed(outputs, name, 'output'));
  return { names, chosen: chosen?.among !== 1 && chosen !== undefined };
}

function pooledOutput(
  outputs: readonly OnnxValueMetadata[],
  taken: readonly string[],
  tokens: TokenPooling | undefined,
): { name: string; among: number } {
  const free = outputs.filter(({ name, isTensor }) => isTensor && !taken.includes(name));
  const candidates = free.filter(({ shape = [] }) => (tokens ? shape.length === 3 : isPooled(shape)));
  const [first, ...others] = candidates;
  if (first && others.length === 0) return { name: first.name, among: 1 };
  const usual = usualNames.find((name) => (tokens ? candidates : free).some((output) => output.name === name));
  if (usual !== undefined) return { name: usual, among: candidates.length };
  const sequences = free.filter(({ shape }) => shape?.length === 3);
  const remedy =
    !tokens && candidates.length === 0 && sequences.length === 1
      ? "Pass 'tokens' (first for the class token, or mean), or export the network with its pooling."
      : "Pass 'outputs: { pool: name }'.";
  throw new DparError(
    `createOnnxNetwork: expected one output of pooled features, [N, D] or [N, D, 1, 1], got ` +
      `${outputs.map(formatValue).join(', ') || 'none'}. ${remedy}`,
  );
}

function checkType(value: OnnxValueMetadata): void {
  const { type = 'float32', isTensor } = value;
  if (isTensor && featureTypes.includes(type)) return;
  throw new DparError(
    `createOnnxNetwork: expected an output of ${featureTypes.join(', ')}, got ${formatValue(value)} of ${type}. ` +
      "Pass 'outputs' with the name of one that holds features.",
  );
}

/** Checks that a shape has one axis of features after the batch axis. An unknown shape may have one. */
function isPooled([, ...sizes]: readonly (number | string)[]): boolean {
  return sizes.filter((size) => size !== 1).length <= 1;
}

/**
 * Rows of an output.
 * @param rows Images in the batch.
 * @throws DparError if it has no row of floating-point numbers per image, or pooled features have several axes.
 */
export async function rowsOf(
  feature: string,
  name: string,
  tensor: OnnxTensor,
  rows: number,
  tokens?: TokenPooling,
): Promise<Float32Array> {
  const { type, dims } = tensor;
  const isPool = feature === 'pool';
  const isSequence = isPool && tokens !== undefined && dims.length === 3 && !dims.includes(0);
  const data = await decodeValues(tensor);
  const fits = dims.length >= 2 && dims[0] === rows && (!isPool || isPooled(dims) || isSequence);
  if (data !== undefined && isPool && !tokens && dims.length === 3 && dims[0] === rows) {
    throw new DparError(
      `extract: expected pooled features [${rows}, D] in the output '${name}', got a sequence of tokens [${dims.join(', ')}]. ` +
        "Pass 'tokens' (first for the class token, or mean).",
    );
  }
  if (data === undefined || data.length === 0 || !fits) {
    throw new DparError(
      `extract: expected float32 [${rows}, D]${isPool ? ', pooled,' : ''} in the output '${name}', ` +
        `got ${type} [${dims.join(', ')}]. Export the network with float32 outputs${isPool ? ', pooled over positions' : ''}.`,
    );
  }
  return isSequence ? poolTokens(data, dims, tokens) : data;
}

/** Pools [N, T, D] to [N, D]. */
function poolTokens(data: Float32Array, dims: readonly number[], pooling: TokenPooling): Float32Array {
  const [rows, length, columns] = dims as [number, number, number];
  const pooled = new Float32Array(rows * columns);
  const taken = pooling === 'first' ? 1 : length;
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let t = 0; t < taken; t++) sum += data[(row * length + t) * columns + c] as number;
      pooled[row * columns + c] = sum / taken;
    }
  }
  return pooled;
}
