import { type Emitter, type Emitters, inputOf, names } from './emitter.js';

type Image = 'conv2d' | 'conv2dInputGradient' | 'conv2dWeightGradient' | 'resizeNearest';
type Pooling = 'maxPool2d' | 'averagePool2d';

const batchAndChannelsSwapped = { perm: { ints: [1, 0, 2, 3] } };

/** A pooling operator of ONNX. Averages leave out the padding (count_include_pad is 0). */
function pool(opType: 'MaxPool' | 'AveragePool'): Emitter<Pooling> {
  return ({ build, inputs, attributes: { kernel, stride, padding } }) =>
    build.apply(opType, names(inputs), {
      kernel_shape: { ints: kernel },
      strides: { ints: [stride, stride] },
      pads: { ints: padding },
    });
}

/** Emitters of convolutions, resizing and pooling. */
export const imageEmitters: Emitters<Image | Pooling> = {
  conv2d: ({ build, inputs, attributes: { stride, padding } }) =>
    build.apply('Conv', names(inputs), { strides: { ints: [stride, stride] }, pads: { ints: padding } }),
  conv2dInputGradient: ({ build, inputs, attributes: { stride, padding, height, width } }) => {
    const [, , rows = 0, columns = 0] = inputOf(inputs, 0).type.shape;
    const [, , kernelHeight = 0, kernelWidth = 0] = inputOf(inputs, 1).type.shape;
    const [top, left, bottom, right] = padding;
    // Rows and columns at the end that the forward convolution did not reach.
    const rest = [
      height + top + bottom - kernelHeight - (rows - 1) * stride,
      width + left + right - kernelWidth - (columns - 1) * stride,
    ];
    // A weight [O, I, h, w] is what ConvTranspose takes from O to I channels.
    return build.apply('ConvTranspose', names(inputs), {
      strides: { ints: [stride, stride] },
      pads: { ints: padding },
      output_padding: { ints: rest },
    });
  },
  // A convolution over the batch: images and gradients with batch and channels exchanged, and the gradient, spread out
  // by the stride, as the kernel. Its result has places beyond the kernel's size where the stride left a rest.
  conv2dWeightGradient: ({ build, inputs, attributes: { stride, padding, kernelHeight, kernelWidth } }) => {
    const x = build.apply('Transpose', [inputOf(inputs, 0).name], batchAndChannelsSwapped); // [I, B, H, W]
    const gradient = build.apply('Transpose', [inputOf(inputs, 1).name], batchAndChannelsSwapped); // [O, B, H', W']
    const full = build.apply('Conv', [x, gradient], {
      dilations: { ints: [stride, stride] },
      pads: { ints: padding },
    }); // [I, O, >= h, >= w]
    const cropped = build.apply('Slice', [
      full,
      build.int64([0, 0]),
      build.int64([kernelHeight, kernelWidth]),
      build.int64([2, 3]),
    ]);
    return build.apply('Transpose', [cropped], batchAndChannelsSwapped);
  },
  resizeNearest: ({ build, inputs, attributes: { factor } }) => {
    const scales = build.floats([1, 1, factor, factor]);
    return build.apply('Resize', [inputOf(inputs, 0).name, '', scales], {
      mode: { string: 'nearest' },
      coordinate_transformation_mode: { string: 'asymmetric' },
      nearest_mode: { string: 'floor' },
    });
  },
  maxPool2d: pool('MaxPool'),
  averagePool2d: pool('AveragePool'),
};
