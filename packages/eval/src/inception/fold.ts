import { float32, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { checkParameters } from '../feature-weights.js';
import { inceptionClasses, inceptionConvolutions, inceptionParameters, poolFeatures } from './convolutions.js';

/** Constant that the network's batch norm adds to variances. */
const epsilon = 0.001;

/**
 * Folds batch norms into the convolutions before them, in float64. In inference a batch norm is
 * y = (x - mean) / sqrt(variance + 0.001) weight + bias.
 *
 * @param parameters Parameters by torchvision's names, as in pytorch-fid's file. Other names are ignored.
 * @returns The parameters of `inception`.
 * @throws DparError that names parameters that are missing or of another shape.
 */
export function foldBatchNorm(parameters: Tensors<HostTensor>): Record<string, HostTensor> {
  checkArguments('foldBatchNorm', { parameters }, { parameters: 'object' });
  checkInceptionParameters(parameters);
  const values = (name: string): HostTensor['data'] => named(parameters, name).data;
  const folded: Record<string, HostTensor> = {};
  for (const [name, { shape }] of Object.entries(inceptionConvolutions)) {
    const [outputs = 0] = shape;
    const weight = Float32Array.from(values(`${name}.conv.weight`));
    const bias = new Float32Array(outputs);
    const [gain, shift, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
      values(`${name}.bn.${part}`),
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    const size = weight.length / outputs;
    for (let o = 0; o < outputs; o++) {
      const scale = (gain[o] as number) / Math.sqrt((variance[o] as number) + epsilon);
      for (let i = o * size; i < (o + 1) * size; i++) weight[i] = (weight[i] as number) * scale;
      bias[o] = (shift[o] as number) - (mean[o] as number) * scale;
    }
    folded[`${name}.weight`] = float32(shape, weight);
    folded[`${name}.bias`] = float32([outputs], bias);
  }
  folded['fc.weight'] = float32([inceptionClasses, poolFeatures, 1, 1], values('fc.weight'));
  return folded;
}

/** @throws DparError that names parameters that are missing or of another shape. */
export function checkInceptionParameters(parameters: Tensors<HostTensor>): void {
  checkParameters(parameters, inceptionParameters(), {
    caller: 'inception',
    name: 'the FID Inception-v3',
    remedy:
      'Use pt_inception-2015-12-05-6726825d.pth of pytorch-fid. The ImageNet weights of torchvision are another network.',
  });
}
