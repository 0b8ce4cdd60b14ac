import { type Emitter, type Emitters, names } from './emitter.js';
import { halfConvolution } from './half-product.js';

type Image = 'conv2d' | 'conv2dInputGradient' | 'conv2dWeightGradient' | 'resizeNearest' | 'groupNorm';
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
  conv2d: ({ build, inputs, attributes: { stride, padding }, floats }) => {
    const attributes = { strides: { ints: [stride, stride] }, pads: { ints: padding } };
    return floats === 'float16'
      ? halfConvolution(build, inputs, attributes)
      : build.apply('Conv', names(inputs), attributes);
  },
  conv2dInputGradient: ({ build, inputs, attributes: { stride, padding, height, width } }) => {
    const [gradient, weight] = inputs;
    const [, , rows = 0, columns = 0] = gradient.type.shape;
    const [, , kernelHeight = 0, kernelWidth = 0] = weight.type.shape;
    const [top, left, bottom, right] = padding;
    const around = [kernelHeight - 1 - top, kernelWidth - 1 - left, kernelHeight - 1 - bottom, kernelWidth - 1 - right];
    // Without a stride, the adjoint is itself a convolution, by the mirrored kernel. Conv takes half the time of ConvTranspose.
    if (stride === 1 && around.every((pixels) => pixels >= 0)) {
      const swapped = build.apply('Transpose', [weight.name], batchAndChannelsSwapped); // [I, O, h, w]
      const mirrored = build.apply('Slice', [
        swapped,
        build.int64([-1, -1]),
        build.int64([-kernelHeight - 1, -kernelWidth - 1]),
        build.int64([2, 3]),
        build.int64([-1, -1]),
      ]);
      return build.apply('Conv', [gradient.name, mirrored], { pads: { ints: around } });
    }
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
  // One matrix product for each place in the kernel, of the gradient with the pixels that the place meets. With channels last
  // these pixels are copied in long runs, and the product sums over images, rows and columns at once.
  conv2dWeightGradient: ({
    build,
    inputs: [image, resultGradient],
    attributes: { stride, padding, kernelHeight, kernelWidth },
  }) => {
    const [, I = 0] = image.type.shape;
    const [, O = 0, rows = 0, columns = 0] = resultGradient.type.shape;
    const [top, left, bottom, right] = padding;
    const pads = [0, top, left, 0, 0, bottom, right, 0];
    const last = build.apply('Transpose', [image.name], { perm: { ints: [0, 2, 3, 1] } }); // [B, H, W, I]
    const padded = pads.some((pixels) => pixels > 0) ? build.apply('Pad', [last, build.int64(pads)]) : last;
    const gradient = build.apply('Reshape', [
      build.apply('Transpose', [resultGradient.name], batchAndChannelsSwapped),
      build.int64([O, -1]),
    ]); // [O, B H' W']
    const products: string[] = [];
    for (let row = 0; row < kernelHeight; row++) {
      for (let column = 0; column < kernelWidth; column++) {
        const met = build.apply('Slice', [
          padded,
          build.int64([row, column]),
          build.int64([row + (rows - 1) * stride + 1, column + (columns - 1) * stride + 1]),
          build.int64([1, 2]),
          build.int64([stride, stride]),
        ]);
        products.push(build.apply('MatMul', [gradient, build.apply('Reshape', [met, build.int64([-1, I])])]));
      }
    }
    const places = products.length === 1 ? products.join() : build.apply('Concat', products, { axis: { int: 0 } });
    const shaped = build.apply('Reshape', [places, build.int64([kernelHeight, kernelWidth, O, I])]);
    return build.apply('Transpose', [shaped], { perm: { ints: [2, 3, 0, 1] } });
  },
  // Mean and variance give one factor and one summand for each channel, so that pixels are written twice.
  groupNorm: ({ build, inputs: [x, weight, bias], attributes: { groups, epsilon } }) => {
    const [, C = 0, H = 0, W = 0] = x.type.shape;
    const perGroup = C / groups;
    const rows = build.apply('Reshape', [x.name, build.int64([0, groups, 1, -1])]);
    const columns = build.apply('Reshape', [x.name, build.int64([0, groups, -1, 1])]);
    const mean = build.apply('ReduceMean', [rows, build.int64([-1])]); // [B, G, 1, 1]
    const squares = build.apply('Mul', [build.apply('MatMul', [rows, columns]), build.float(1 / (perGroup * H * W))]);
    const variance = build.apply('Sub', [squares, build.apply('Mul', [mean, mean])]);
    const root = build.apply('Sqrt', [build.apply('Add', [variance, build.float(epsilon)])]);
    const channels = (name: string): string => build.apply('Reshape', [name, build.int64([1, groups, perGroup, 1])]);
    const scale = build.apply('Div', [channels(weight.name), root]); // [B, G, C / G, 1]
    const shift = build.apply('Sub', [channels(bias.name), build.apply('Mul', [mean, scale])]);
    const perChannel = (name: string): string => build.apply('Reshape', [name, build.int64([0, C, 1, 1])]);
    return build.apply('Add', [build.apply('Mul', [x.name, perChannel(scale)]), perChannel(shift)]);
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
