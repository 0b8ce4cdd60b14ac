import { DparError } from '@dpar/tensor';
import { formatValue, type OnnxRuntime, type OnnxTensor, type OnnxValueMetadata } from './session.js';

/** Inputs of texts, by the names that transformers gives them, and what stands in for a text: one token. */
const placeholders: Readonly<Record<string, number>> = {
  input_ids: 0,
  attention_mask: 1,
  token_type_ids: 0,
  position_ids: 0,
};

/**
 * Placeholders for the texts that a model of images and texts reads besides images, such as CLIP: features of images do not
 * depend on them.
 *
 * @param images Name of the input of images.
 * @throws DparError for any other input.
 */
export function textFeeds<T extends OnnxTensor>(
  ort: OnnxRuntime<T>,
  inputs: readonly OnnxValueMetadata[],
  images: string,
): Record<string, T> {
  const feeds: Record<string, T> = {};
  for (const value of inputs) {
    const { name, type, shape = [] } = value;
    if (name === images) continue;
    const token = Object.hasOwn(placeholders, name) ? placeholders[name] : undefined;
    if (token === undefined || (type !== 'int64' && type !== 'int32')) {
      throw new DparError(
        `createOnnxNetwork: expected no inputs besides images and texts (${Object.keys(placeholders).join(', ')}), ` +
          `got ${formatValue(value)}. Export the part of the model that turns images into features.`,
      );
    }
    const sizes = shape.map((size) => (typeof size === 'number' && size > 0 ? size : 1));
    const length = sizes.reduce((a, b) => a * b, 1);
    const data = type === 'int64' ? new BigInt64Array(length).fill(BigInt(token)) : new Int32Array(length).fill(token);
    feeds[name] = new ort.Tensor(type, data, sizes);
  }
  return feeds;
}
