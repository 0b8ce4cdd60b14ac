import { float32, type Ops } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Width of the window. */
const window = 11;

/** Standard deviation of the window in pixels. */
const deviation = 1.5;

/** Stabilising constants for values with a range of 2: (0.01 * 2)^2 and (0.03 * 2)^2. */
const [c1, c2] = [0.02 ** 2, 0.06 ** 2];

/**
 * Structural similarity (SSIM; Wang et al. 2004) of images: mean over pixels and colours, with a Gaussian window of 11 x 11 pixels
 * and standard deviation 1.5, over windows that lie within the image.
 * @param a [B, C, H, W] in -1..1, with sides of at least 11 pixels
 * @returns [B], 1 for equal images
 */
export function structuralSimilarity<T>(ops: Ops<T>, a: T, b: T): T {
  checkArguments('structuralSimilarity', { ops, a, b }, { ops: 'Ops', a: 'Tensor', b: 'Tensor' });
  const [B = 0, C = 0, H = 0, W = 0] = ops.shapeOf(a);
  const planes = (x: T): T => ops.reshape(x, [B * C, 1, H, W]);
  const kernel = ops.constant(gaussianWindow());
  const blur = (x: T): T => ops.conv2d(x, kernel);
  const [x, y] = [planes(a), planes(b)];
  const [meanX, meanY] = [blur(x), blur(y)];
  const products = { xx: ops.square(meanX), yy: ops.square(meanY), xy: ops.mul(meanX, meanY) };
  const varianceX = ops.sub(blur(ops.square(x)), products.xx);
  const varianceY = ops.sub(blur(ops.square(y)), products.yy);
  const covariance = ops.sub(blur(ops.mul(x, y)), products.xy);
  const numerator = ops.mul(ops.add(ops.mul(products.xy, 2), c1), ops.add(ops.mul(covariance, 2), c2));
  const denominator = ops.mul(
    ops.add(ops.add(products.xx, products.yy), c1),
    ops.add(ops.add(varianceX, varianceY), c2),
  );
  const similarity = ops.div(numerator, denominator);
  return ops.mean(ops.reshape(similarity, [B, -1]), { axes: 1 });
}

/** The window, [1, 1, 11, 11], with sum 1. */
function gaussianWindow() {
  const line = Array.from({ length: window }, (_, i) =>
    Math.exp(-((i - (window - 1) / 2) ** 2) / (2 * deviation ** 2)),
  );
  const sum = line.reduce((total, value) => total + value, 0);
  const weights = line.flatMap((row) => line.map((column) => (row * column) / (sum * sum)));
  return float32([1, 1, window, window], Float32Array.from(weights));
}
