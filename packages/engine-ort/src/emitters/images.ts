import { type Emitter, type Emitters, names } from './emitter.js';

type Image = 'conv2d' | 'conv2dInputGradient' | 'conv2dWeightGradient' | 'resizeNearest';
type Pooling = 'maxPool2d' | 'averagePool2d';

const batchAndChannelsSwapped = { perm: { ints: [1, 0, 2, 3] } };

/** Emitter of a pooling operator of ONNX. Averages leave out the padding (count_include_pad is 0). */
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
    const [gradient, weight] = inputs;
    const [, , rows = 0, columns = 0] = gradient.type.shape;
    const [, , kernelHeight = 0, kernelWidth = 0] = weight.type.shape;
    const [top, left, bottom, right] = padding;
    // Rows and columns at the end, beyond the forward convolution.
    const rest = [
      height + top + bottom - kernelHeight - (rows - 1) * stride,
      width + left + right - kernelWidth - (columns - 1) * stride,
    ];
    // For ConvTranspose, a weight [O, I, h, w] leads from O to I channels.
    return build.apply('ConvTranspose', names(inputs), {
      strides: { ints: [stride, stride] },
      pads: { ints: padding },
      output_padding: { ints: rest },
    });
  },
  // A convolution over the batch: batch and channels are exchanged, and the gradient, spread by the stride, is the kernel.
  // The result exceeds the kernel's size where the stride left a rest.
  conv2dWeightGradient: ({
    build,
    inputs: [image, resultGradient],
    attributes: { stride, padding, kernelHeight, kernelWidth },
  }) => {
    const x = build.apply('Transpose', [image.name], batchAndChannelsSwapped); // [I, B, H, W]
    const gradient = build.apply('Transpose', [resultGradient.name], batchAndChannelsSwapped); // [O, B, H', W']
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
  resizeNearest: ({ build, inputs: [x], attributes: { factor } }) => {
    const scales = build.floats([1, 1, factor, factor]);
    return build.apply('Resize', [x.name, '', scales], {
      mode: { string: 'nearest' },
      coordinate_transformation_mode: { string: 'asymmetric' },
      nearest_mode: { string: 'floor' },
    });
  },
  maxPool2d: pool('MaxPool'),
  averagePool2d: pool('AveragePool'),
};
