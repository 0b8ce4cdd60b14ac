import { linear, type ParameterSpecs, zeros } from '@dpar/nn';
import { named, type Ops, type Tensors } from '@dpar/tensor';

/** A small convolutional classifier of images of 64 x 64 pixels. */
export interface ClassifierConfig {
  /** Channels after each of four convolutions of stride 2. The last are the features. */
  readonly channels: readonly [number, number, number, number];
  readonly classes: number;
}

/** Width and height of its images. */
export const classifierSize = 64;

/** Parameters of a classifier, initialised as in He et al. (2015). */
export function classifierSpecs({ channels, classes }: ClassifierConfig): ParameterSpecs {
  const layers = channels.map((outputs, i) => {
    const inputs = i === 0 ? 3 : (channels[i - 1] as number);
    return [
      [
        `convolution.${i}.weight`,
        { shape: [outputs, inputs, 3, 3], initializer: { kind: 'normal', std: Math.sqrt(2 / (9 * inputs)) } },
      ],
      [`convolution.${i}.bias`, zeros([1, outputs, 1, 1])],
    ] as const;
  });
  const features = channels[3];
  return {
    ...Object.fromEntries(layers.flat()),
    'classes.weight': { shape: [classes, features], initializer: { kind: 'normal', std: features ** -0.5 } },
    'classes.bias': zeros([classes]),
  };
}

/**
 * Classifier: four convolutions of 3 x 3 and stride 2 with SiLU, the mean over places, and a linear layer.
 * @param images [B, 3, 64, 64] in -1..1
 * @returns pool [B, features] and logits [B, classes]
 */
export function classifier<T>(ops: Ops<T>, config: ClassifierConfig, parameters: Tensors<T>, images: T) {
  let x = images; // [B, C, H, W]
  config.channels.forEach((_, i) => {
    const weight = named(parameters, `convolution.${i}.weight`);
    const convolved = ops.conv2d(x, weight, { stride: 2, padding: [1, 1, 1, 1] });
    x = ops.silu(ops.add(convolved, named(parameters, `convolution.${i}.bias`)));
  });
  const pool = ops.mean(x, { axes: [2, 3] }); // [B, features]
  const logits = ops.add(linear(ops, named(parameters, 'classes.weight'), pool), named(parameters, 'classes.bias'));
  return { pool, logits };
}
