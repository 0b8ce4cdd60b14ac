import type { ParameterSpec, ParameterSpecs } from '@dpar/nn';
import { ones, zeros } from '@dpar/nn';
import type { Ops, Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { below, groupNorm } from '../vq/layers.js';

/** Sizes of a discriminator. */
export interface DiscriminatorConfig {
  /** Channels after the first convolution; later ones have up to 8 times as many. */
  readonly width: number;
  /** Convolutions that halve width and height. Each more doubles the patches that are judged. */
  readonly layers: number;
}

/** Kinds of {@link DiscriminatorConfig}, for argument checks. */
export const discriminatorConfigKinds = { width: 'number', layers: 'number', '*': 'any' } as const;

/** One convolution of a discriminator. */
interface Layer {
  readonly prefix: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
  readonly normed: boolean;
}

/** Width of the kernels. */
const kernel = 4;

/** Slope of leaky ReLU below 0. */
const slope = 0.2;

function layersOf({ width, layers }: DiscriminatorConfig): Layer[] {
  const channels = [3];
  for (let i = 0; i <= layers; i++) channels.push(width * Math.min(2 ** i, 8));
  channels.push(1);
  return channels.slice(1).map((outputs, i) => ({
    prefix: `discriminator.${i}`,
    inputs: channels[i] ?? 0,
    outputs,
    stride: i < layers ? 2 : 1,
    normed: i > 0 && i < channels.length - 2,
  }));
}

/** True for the name of a parameter of a discriminator. */
export function isDiscriminatorParameter(name: string): boolean {
  checkArguments('isDiscriminatorParameter', { name }, { name: 'string' });
  return name.startsWith('discriminator.');
}

/** Parameters of a discriminator. Weights start with standard deviation 0.02, as in pix2pix. */
export function discriminatorSpecs(config: DiscriminatorConfig): ParameterSpecs {
  checkArguments('discriminatorSpecs', { config }, { config: discriminatorConfigKinds });
  const specs: Record<string, ParameterSpec> = {};
  for (const { prefix, inputs, outputs, normed } of layersOf(config)) {
    const shape = [outputs, inputs, kernel, kernel];
    specs[`${prefix}.weight`] = { shape, initializer: { kind: 'normal', std: 0.02 } };
    if (normed) {
      specs[`${prefix}.norm.weight`] = ones([outputs]);
      specs[`${prefix}.norm.bias`] = zeros([outputs]);
    } else {
      specs[`${prefix}.bias`] = zeros([outputs]);
    }
  }
  return specs;
}

/**
 * Patch discriminator (Isola et al. 2017, arXiv:1611.07004; in VQGAN, Esser et al. 2021, arXiv:2012.09841): judges overlapping
 * patches of images. In place of batch norm it has group norm in 8 groups of channels, so that an image is judged by itself.
 * @param images [B, 3, H, W] in -1..1
 * @returns Scores [B, 1, h, w]: above 1 for patches that certainly are originals, below -1 for others.
 */
export function discriminate<T>(ops: Ops<T>, config: DiscriminatorConfig, parameters: Tensors<T>, images: T): T {
  checkArguments(
    'discriminate',
    { ops, config, parameters, images },
    { ops: 'Ops', config: discriminatorConfigKinds, parameters: 'object', images: 'Tensor' },
  );
  const network = { ops, parameters, groups: normGroups };
  const layers = layersOf(config);
  return layers.reduce((x, { prefix, stride, normed }, i) => {
    const p = below(parameters, prefix);
    const y = ops.conv2d(x, p('weight'), { stride, padding: [1, 1, 1, 1] });
    const shifted = normed ? groupNorm(network, `${prefix}.norm`, y) : ops.add(y, ops.reshape(p('bias'), [-1, 1, 1]));
    return i === layers.length - 1 ? shifted : ops.maximum(shifted, ops.mul(shifted, slope));
  }, images);
}

/** Groups of channels that a norm has; they divide the width. */
export const normGroups = 8;
