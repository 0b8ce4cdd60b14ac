import type { ImageSize } from '@dpar/images';
import { DparError } from '@dpar/tensor';
import type { ImageLayout } from '../network-input.js';
import { deduceLayout } from './layout.js';
import { formatValue, type OnnxRuntime, type OnnxTensor, type OnnxValueMetadata, valueNamed } from './session.js';
import { imageTypes, type OnnxImageType } from './values.js';

/** Options of the input. The model determines the rest. */
export interface OnnxInputOptions {
  /** Name of the input. Default: the only input that can hold images. */
  readonly input?: string;
  /** Order of the axes. Default: inferred from their sizes and names. */
  readonly layout?: ImageLayout;
  /** Size of resized images in pixels: one number for both sides, or width and height. Default: the model's. */
  readonly size?: number | ImageSize;
}

/** Input of images of a model. */
export interface OnnxInput {
  readonly name: string;
  readonly type: OnnxImageType;
  readonly layout: ImageLayout;
  readonly size: ImageSize;
  /** Number of images per batch, if the model fixes it. */
  readonly batch: number | undefined;
}

/**
 * Finds the input of images of a model.
 * @throws DparError if there is none, or neither the model nor the options determine its layout or size.
 */
export function findInput(inputs: readonly OnnxValueMetadata[], options: OnnxInputOptions): OnnxInput {
  const value = options.input === undefined ? onlyImages(inputs) : valueNamed(inputs, options.input, 'input');
  const { name, shape = [] } = value;
  if (!isImages(value)) {
    throw new DparError(
      `createOnnxNetwork: expected an input of images with 4 axes, got ${formatValue(value)}. Export the network for images.`,
    );
  }
  const type = typeOf(value);
  const layout = options.layout ?? deduceLayout(value);
  if (layout !== 'NCHW' && layout !== 'NHWC') {
    throw new DparError(
      `createOnnxNetwork: expected 'layout' to be NCHW or NHWC, got ${JSON.stringify(layout)}. Pass one of them.`,
    );
  }
  const channels = fixed(shape[layout === 'NCHW' ? 1 : 3]);
  if (channels !== undefined && channels !== 3) {
    throw new DparError(
      `createOnnxNetwork: expected images of 3 channels in ${layout}, got ${formatValue(value)}. ` +
        'Use a network for red, green and blue.',
    );
  }
  const size = sizeOf(value, layout === 'NCHW' ? [shape[2], shape[3]] : [shape[1], shape[2]], options.size);
  return { name, type, layout, size, batch: fixed(shape[0]) };
}

/** Size of an axis, if the model fixes it. */
function fixed(size: number | string | undefined): number | undefined {
  return typeof size === 'number' && size > 0 ? size : undefined;
}

function isImages({ isTensor, shape }: OnnxValueMetadata): boolean {
  return isTensor && shape?.length === 4;
}

function onlyImages(inputs: readonly OnnxValueMetadata[]): OnnxValueMetadata {
  const [only] = inputs;
  if (only !== undefined && inputs.length === 1) return only;
  const [first, ...others] = inputs.filter(isImages);
  if (first !== undefined && others.length === 0) return first;
  throw new DparError(
    `createOnnxNetwork: expected a model with one input of images, got ${inputs.map(formatValue).join(', ') || 'none'}. ` +
      "Pass the name of the input of images as 'input'.",
  );
}

function typeOf(value: OnnxValueMetadata): OnnxImageType {
  const { type = 'float32' } = value;
  const known = imageTypes.find((name) => name === type);
  if (known !== undefined) return known;
  throw new DparError(
    `createOnnxNetwork: expected an input of ${imageTypes.join(', ')}, got ${formatValue(value)} of ${type}. ` +
      'Export the network with a float32 input.',
  );
}

function sizeOf(
  value: OnnxValueMetadata,
  [rows, columns]: readonly (number | string | undefined)[],
  given: OnnxInputOptions['size'],
): ImageSize {
  const [height, width] = [fixed(rows), fixed(columns)];
  const wanted = typeof given === 'number' ? { width: given, height: given } : given;
  const size = { width: wanted?.width ?? width, height: wanted?.height ?? height };
  if (size.width === undefined || size.height === undefined) {
    throw new DparError(
      `createOnnxNetwork: expected an input of fixed size, got ${formatValue(value)}. Pass the size of the training images as 'size'.`,
    );
  }
  const whole = Number.isInteger(size.width) && Number.isInteger(size.height) && size.width > 0 && size.height > 0;
  if (!whole || (width ?? size.width) !== size.width || (height ?? size.height) !== size.height) {
    throw new DparError(
      `createOnnxNetwork: expected a size that fits the input ${formatValue(value)}, got ${size.width}x${size.height}. ` +
        "Omit 'size', or pass whole numbers that fit.",
    );
  }
  return { width: size.width, height: size.height };
}

/** Text inputs by their names in transformers, with the placeholder token for a text. */
const placeholders: Readonly<Record<string, number>> = {
  input_ids: 0,
  attention_mask: 1,
  token_type_ids: 0,
  position_ids: 0,
};

/**
 * Placeholders for the text inputs of a model of images and texts, such as CLIP. The features of images do not depend on them.
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
          `got ${formatValue(value)}. Export only the part of the model that turns images into features.`,
      );
    }
    const sizes = shape.map((size) => (typeof size === 'number' && size > 0 ? size : 1));
    const length = sizes.reduce((a, b) => a * b, 1);
    const data = type === 'int64' ? new BigInt64Array(length).fill(BigInt(token)) : new Int32Array(length).fill(token);
    feeds[name] = new ort.Tensor(type, data, sizes);
  }
  return feeds;
}
