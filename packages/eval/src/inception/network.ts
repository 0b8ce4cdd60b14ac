import { named, type Ops, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type InceptionConvolution, inceptionClasses, inceptionConvolutions, poolFeatures } from './convolutions.js';

/** Outputs of the network for B images. */
export interface InceptionOutputs<T> {
  /** Mean over all positions of the last block, [B, 2048]. */
  readonly pool: T;
  /** The first 7 channels of Mixed_6d's 1 x 1 branch, after ReLU, [B, 7, 17, 17] (TensorFlow's `mixed_6/conv`). */
  readonly spatial: T;
  /** pool . fc.weight^T, without the bias, [B, 1008]. */
  readonly logits: T;
  /**
   * Ends of the stages between poolings, as in pytorch-fid's blocks 0 to 3 but without the mean of the last: [B, 64, 73, 73], [B,
   * 192, 35, 35], [B, 768, 17, 17] and [B, 2048, 8, 8].
   */
  readonly stages: readonly [T, T, T, T];
}

/** Channels of the spatial features (Nash et al. 2021, arXiv:2103.03841). */
const spatialChannels = 7;

/**
 * Inception-v3 as used for FID: the network of 2015, whose average pools exclude the padding and whose last block pools by
 * maximum.
 *
 * @param parameters Folded parameters: `<convolution>.weight` [O, I, h, w], `<convolution>.bias` [O] and `fc.weight`
 * [1008, 2048, 1, 1].
 * @param images [B, 3, 299, 299], about -1..1. Other sizes from 75 pixels give smaller maps.
 */
export function inception<T>(ops: Ops<T>, parameters: Tensors<T>, images: T): InceptionOutputs<T> {
  checkArguments('inception', { ops, parameters, images }, { ops: 'Ops', parameters: 'object', images: 'Tensor' });
  /** Applies the named convolutions with folded batch norm and ReLU, one after the other. */
  const convolve = (x: T, ...names: readonly string[]): T => {
    let y = x;
    for (const name of names) {
      const { shape, stride, padding } = inceptionConvolutions[name] as InceptionConvolution;
      const bias = ops.reshape(named(parameters, `${name}.bias`), [shape[0] ?? 0, 1, 1]);
      y = ops.maximum(ops.add(ops.conv2d(y, named(parameters, `${name}.weight`), { stride, padding }), bias), 0);
    }
    return y;
  };
  const join = (...branches: readonly T[]): T => ops.concat(branches, 1);
  const halve = (x: T): T => ops.maxPool2d(x, { kernel: [3, 3], stride: 2 });
  const average = (x: T): T => ops.averagePool2d(x, { kernel: [3, 3], padding: [1, 1, 1, 1] });
  const maximum = (x: T): T => ops.maxPool2d(x, { kernel: [3, 3], padding: [1, 1, 1, 1] });
  /** Names of numbered convolutions: `branch_1`, `branch_2`, ... */
  const numbered = (branch: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${branch}_${i + 1}`);

  const blockA = (x: T, name: string): T =>
    join(
      convolve(x, `${name}.branch1x1`),
      convolve(x, ...numbered(`${name}.branch5x5`, 2)),
      convolve(x, ...numbered(`${name}.branch3x3dbl`, 3)),
      convolve(average(x), `${name}.branch_pool`),
    );
  const blockB = (x: T, name: string): T =>
    join(convolve(x, `${name}.branch3x3`), convolve(x, ...numbered(`${name}.branch3x3dbl`, 3)), halve(x));
  const blockC = (x: T, name: string): T =>
    join(
      convolve(x, `${name}.branch1x1`),
      convolve(x, ...numbered(`${name}.branch7x7`, 3)),
      convolve(x, ...numbered(`${name}.branch7x7dbl`, 5)),
      convolve(average(x), `${name}.branch_pool`),
    );
  const blockD = (x: T, name: string): T =>
    join(
      convolve(x, ...numbered(`${name}.branch3x3`, 2)),
      convolve(x, ...numbered(`${name}.branch7x7x3`, 4)),
      halve(x),
    );
  const blockE = (x: T, name: string, pool: (x: T) => T): T => {
    const single = convolve(x, `${name}.branch3x3_1`);
    const double = convolve(x, ...numbered(`${name}.branch3x3dbl`, 2));
    return join(
      convolve(x, `${name}.branch1x1`),
      convolve(single, `${name}.branch3x3_2a`),
      convolve(single, `${name}.branch3x3_2b`),
      convolve(double, `${name}.branch3x3dbl_3a`),
      convolve(double, `${name}.branch3x3dbl_3b`),
      convolve(pool(x), `${name}.branch_pool`),
    );
  };

  const first = halve(convolve(images, 'Conv2d_1a_3x3', 'Conv2d_2a_3x3', 'Conv2d_2b_3x3')); // [B, 64, 73, 73]
  const second = halve(convolve(first, 'Conv2d_3b_1x1', 'Conv2d_4a_3x3')); // [B, 192, 35, 35]
  let x = second;
  for (const name of ['Mixed_5b', 'Mixed_5c', 'Mixed_5d']) x = blockA(x, name); // [B, 288, 35, 35]
  x = blockB(x, 'Mixed_6a'); // [B, 768, 17, 17]
  x = blockC(blockC(x, 'Mixed_6b'), 'Mixed_6c');
  // The same convolution as in the block below: engines that trace compute it once.
  const spatial = ops.slice(convolve(x, 'Mixed_6d.branch1x1'), 1, 0, spatialChannels);
  const third = blockC(blockC(x, 'Mixed_6d'), 'Mixed_6e');
  x = blockD(third, 'Mixed_7a'); // [B, 1280, 8, 8]
  x = blockE(blockE(x, 'Mixed_7b', average), 'Mixed_7c', maximum); // [B, 2048, 8, 8]
  const means = ops.mean(x, { axes: [2, 3], keepDims: true }); // [B, 2048, 1, 1]
  const B = ops.shapeOf(x)[0] ?? 0;
  return {
    pool: ops.reshape(means, [B, poolFeatures]),
    spatial,
    // A convolution computes each image independently of the batch.
    logits: ops.reshape(ops.conv2d(means, named(parameters, 'fc.weight')), [B, inceptionClasses]),
    stages: [first, second, third, x],
  };
}
