import { type KindsOf, listOf } from '@dpar/check';
import { DparError, float32, type HostTensor, type Ops, type Shape } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** A network whose features tell how much alike two images look, such as a VGG or an Inception. */
export interface PerceptualNetwork {
  /** Display name, such as `vgg11.onnx`. */
  readonly name: string;
  /** Pixels of its images. Undefined: it takes images of any size. */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
  /**
   * Normalization of bytes 0..255 that it was trained with: (byte - mean) / deviation, one number or one for each of red,
   * green and blue.
   */
  readonly range: {
    readonly mean: number | readonly [number, number, number];
    readonly deviation: number | readonly [number, number, number];
  };
  /**
   * Features of images, of one layer or several.
   * @param images [B, 3, H, W], normalized.
   * @returns For each layer maps [B, C, h, w], tokens [B, T, C] or rows [B, C].
   */
  features<T>(ops: Ops<T>, images: T): readonly T[];
}

const networkKinds: KindsOf<PerceptualNetwork> = {
  name: 'string',
  'size?': { width: 'number', height: 'number', '*': 'any' },
  range: { mean: 'number | number[]', deviation: 'number | number[]', '*': 'any' },
  features: 'function',
  '*': 'any',
};

/** Added to squared norms of features. Positions where all features are 0 then have no gradient, and not an infinite one. */
const epsilon = 1e-8;

/**
 * Perceptual distance of images: the squared difference of their features, which are scaled to length 1 at each position; summed
 * over channels; averaged over positions, images and layers. It is 0 for equal images. Each layer adds at most 4, or 2 where no
 * feature is negative.
 *
 * Source: LPIPS (Zhang et al. 2018, arXiv:1801.03924, equation 1) without the learned weights of channels.
 *
 * If the network has a fixed size, images are resized bilinearly with half-pixel centres; shrinking averages over all pixels
 * (antialiasing), so that each pixel has a gradient. The gradients are those by the tracked images: a target that is an input
 * without gradient costs no backward pass.
 * @param a Images [B, 3, H, W] in -1..1.
 * @param b Images of the same shape.
 * @returns Scalar.
 * @throws DparError if the shapes differ, or the network returns no features of B images.
 */
export function perceptualLoss<T>(ops: Ops<T>, network: PerceptualNetwork, a: T, b: T): T {
  checkArguments(
    'perceptualLoss',
    { ops, network, a, b },
    { ops: 'Ops', network: networkKinds, a: 'Tensor', b: 'Tensor' },
  );
  const [shape, other] = [ops.shapeOf(a), ops.shapeOf(b)];
  if (shape.length !== 4 || shape[1] !== 3 || shape.join() !== other.join()) {
    throw new DparError(
      `perceptualLoss: expected two batches of images [B, 3, H, W] of one shape, got [${shape.join(', ')}] and ` +
        `[${other.join(', ')}]. Pass images and their reconstructions.`,
    );
  }
  const [ofA, ofB] = [a, b].map((images) => unitFeatures(ops, network, images)) as [T[], T[]];
  const distances = ofA.map((features, layer) => {
    const squares = ops.square(ops.sub(features, ofB[layer] as T));
    const channels = ops.shapeOf(features)[channelAxis(ops.shapeOf(features))] ?? 1;
    return ops.mul(ops.mean(squares), channels);
  });
  return ops.mul(
    distances.reduce((sum, distance) => ops.add(sum, distance)),
    1 / distances.length,
  );
}

/** Channels are the second axis of maps [B, C, h, w] and of rows [B, C], and the last axis of tokens [B, T, C]. */
function channelAxis(shape: Shape): number {
  return shape.length === 3 ? 2 : 1;
}

/** Features of all layers, scaled to length 1 over the channels. */
function unitFeatures<T>(ops: Ops<T>, network: PerceptualNetwork, images: T): T[] {
  const features = network.features(ops, networkInput(ops, network, images));
  const [B = 0] = ops.shapeOf(images);
  return checkedFeatures(ops, network, features, B).map((layer) => {
    const axes = [channelAxis(ops.shapeOf(layer))];
    const norm = ops.sqrt(ops.add(ops.sum(ops.square(layer), { axes, keepDims: true }), epsilon));
    return ops.div(layer, norm);
  });
}

function checkedFeatures<T>(
  ops: Ops<T>,
  { name }: PerceptualNetwork,
  features: readonly T[],
  images: number,
): readonly T[] {
  checkArguments('perceptualLoss', { features }, { features: listOf('Tensor') });
  const shapes = features.map((layer) => ops.shapeOf(layer));
  if (shapes.length > 0 && shapes.every(({ length, 0: first }) => first === images && length >= 2 && length <= 4)) {
    return features;
  }
  const got = shapes.map((shape) => `[${shape.join(', ')}]`).join(', ') || 'none';
  throw new DparError(
    `perceptualLoss: expected features [B, C, h, w], [B, T, C] or [B, C] of ${images} images from the network '${name}', got ${got}. ` +
      "Choose other layers, or export the network with an open number of images (the input's first axis).",
  );
}

/** Images in the size and the range that the network was trained with. */
function networkInput<T>(ops: Ops<T>, { size, range }: PerceptualNetwork, images: T): T {
  const [, , height = 0, width = 0] = ops.shapeOf(images);
  let x = images;
  if (size !== undefined && size.width !== width) {
    x = ops.matmul(x, ops.constant(bilinearMatrix(width, size.width)), { transposeB: true });
  }
  if (size !== undefined && size.height !== height) {
    x = ops.matmul(ops.constant(bilinearMatrix(height, size.height)), x);
  }
  // byte = 127.5 x + 127.5
  const [mean, deviation] = [perChannel(range.mean), perChannel(range.deviation)];
  const factor = deviation.map((value) => 127.5 / value);
  const addend = mean.map((value, channel) => (127.5 - value) / (deviation[channel] as number));
  return ops.add(ops.mul(x, channelConstant(ops, factor)), channelConstant(ops, addend));
}

function perChannel(value: number | readonly [number, number, number]): readonly number[] {
  return typeof value === 'number' ? [value, value, value] : value;
}

/** A number for each channel; a scalar if they are equal, so that engines leave out a factor of 1 and an addend of 0. */
function channelConstant<T>(ops: Ops<T>, values: readonly number[]): T {
  const [first = 0] = values;
  return values.every((value) => value === first) ? ops.scalar(first) : ops.constant(float32([3, 1, 1], values));
}

/**
 * Matrix [to, from] that resizes an axis: the weights of a triangle around the centre of each new pixel, at least one old pixel
 * wide to either side.
 */
function bilinearMatrix(from: number, to: number): HostTensor {
  const matrix = float32([to, from]);
  const scale = from / to;
  const support = Math.max(1, scale);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale - 0.5;
    const weights = Array.from({ length: from }, (_, j) => Math.max(0, 1 - Math.abs(j - centre) / support));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    matrix.data.set(
      weights.map((weight) => weight / total),
      i * from,
    );
  }
  return matrix;
}
