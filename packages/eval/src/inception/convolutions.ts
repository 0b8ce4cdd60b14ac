import type { ConvolutionAttributes, Shape } from '@dpar/tensor';

/** A convolution of the network. */
export interface InceptionConvolution extends ConvolutionAttributes {
  /** [output channels, input channels, height, width] */
  readonly shape: Shape;
}

/** A convolution with some channels and kernel, padded by rows and columns. */
function convolution(
  inputs: number,
  outputs: number,
  [height, width]: readonly [number, number],
  { stride = 1, rows = 0, columns = 0 }: { stride?: number; rows?: number; columns?: number } = {},
): InceptionConvolution {
  return { shape: [outputs, inputs, height, width], stride, padding: [rows, columns, rows, columns] };
}

const oneByOne = (inputs: number, outputs: number) => convolution(inputs, outputs, [1, 1]);
const threeByThree = (inputs: number, outputs: number) => convolution(inputs, outputs, [3, 3], { rows: 1, columns: 1 });
const fiveByFive = (inputs: number, outputs: number) => convolution(inputs, outputs, [5, 5], { rows: 2, columns: 2 });
const halving = (inputs: number, outputs: number) => convolution(inputs, outputs, [3, 3], { stride: 2 });
/** 1 x n and n x 1; together they cover n x n. */
const inRow = (inputs: number, outputs: number, n: number) =>
  convolution(inputs, outputs, [1, n], { columns: (n - 1) / 2 });
const inColumn = (inputs: number, outputs: number, n: number) =>
  convolution(inputs, outputs, [n, 1], { rows: (n - 1) / 2 });

type Branches = Readonly<Record<string, InceptionConvolution>>;

/** 35 x 35: Mixed_5b to 5d. */
const blockA = (inputs: number, pooled: number): Branches => ({
  branch1x1: oneByOne(inputs, 64),
  branch5x5_1: oneByOne(inputs, 48),
  branch5x5_2: fiveByFive(48, 64),
  branch3x3dbl_1: oneByOne(inputs, 64),
  branch3x3dbl_2: threeByThree(64, 96),
  branch3x3dbl_3: threeByThree(96, 96),
  branch_pool: oneByOne(inputs, pooled),
});

/** 17 x 17: Mixed_6b to 6e, with `inner` channels inside. */
const blockC = (inner: number): Branches => ({
  branch1x1: oneByOne(768, 192),
  branch7x7_1: oneByOne(768, inner),
  branch7x7_2: inRow(inner, inner, 7),
  branch7x7_3: inColumn(inner, 192, 7),
  branch7x7dbl_1: oneByOne(768, inner),
  branch7x7dbl_2: inColumn(inner, inner, 7),
  branch7x7dbl_3: inRow(inner, inner, 7),
  branch7x7dbl_4: inColumn(inner, inner, 7),
  branch7x7dbl_5: inRow(inner, 192, 7),
  branch_pool: oneByOne(768, 192),
});

/** 8 x 8: Mixed_7b and 7c. */
const blockE = (inputs: number): Branches => ({
  branch1x1: oneByOne(inputs, 320),
  branch3x3_1: oneByOne(inputs, 384),
  branch3x3_2a: inRow(384, 384, 3),
  branch3x3_2b: inColumn(384, 384, 3),
  branch3x3dbl_1: oneByOne(inputs, 448),
  branch3x3dbl_2: threeByThree(448, 384),
  branch3x3dbl_3a: inRow(384, 384, 3),
  branch3x3dbl_3b: inColumn(384, 384, 3),
  branch_pool: oneByOne(inputs, 192),
});

function named(block: string, branches: Branches): Branches {
  return Object.fromEntries(Object.entries(branches).map(([branch, value]) => [`${block}.${branch}`, value]));
}

/** The convolutions of Inception-v3 (Szegedy et al. 2015, arXiv:1512.00567) by torchvision's names. */
export const inceptionConvolutions: Branches = {
  Conv2d_1a_3x3: halving(3, 32),
  Conv2d_2a_3x3: convolution(32, 32, [3, 3]),
  Conv2d_2b_3x3: threeByThree(32, 64),
  Conv2d_3b_1x1: oneByOne(64, 80),
  Conv2d_4a_3x3: convolution(80, 192, [3, 3]),
  ...named('Mixed_5b', blockA(192, 32)),
  ...named('Mixed_5c', blockA(256, 64)),
  ...named('Mixed_5d', blockA(288, 64)),
  ...named('Mixed_6a', {
    branch3x3: halving(288, 384),
    branch3x3dbl_1: oneByOne(288, 64),
    branch3x3dbl_2: threeByThree(64, 96),
    branch3x3dbl_3: halving(96, 96),
  }),
  ...named('Mixed_6b', blockC(128)),
  ...named('Mixed_6c', blockC(160)),
  ...named('Mixed_6d', blockC(160)),
  ...named('Mixed_6e', blockC(192)),
  ...named('Mixed_7a', {
    branch3x3_1: oneByOne(768, 192),
    branch3x3_2: halving(192, 320),
    branch7x7x3_1: oneByOne(768, 192),
    branch7x7x3_2: inRow(192, 192, 7),
    branch7x7x3_3: inColumn(192, 192, 7),
    branch7x7x3_4: halving(192, 192),
  }),
  ...named('Mixed_7b', blockE(1280)),
  ...named('Mixed_7c', blockE(2048)),
};

/** Width and height of the network's input. */
export const inceptionSize = 299;

/** Number of classes: those of ImageNet in TensorFlow's first numbering, which has some unused numbers. */
export const inceptionClasses = 1008;

/** Number of pooled features of an image. */
export const poolFeatures = 2048;

/** Names and shapes of the parameters in a file of weights, in pytorch-fid's order. */
export function inceptionParameters(): Map<string, Shape> {
  const parameters = new Map<string, Shape>();
  for (const [name, { shape }] of Object.entries(inceptionConvolutions)) {
    parameters.set(`${name}.conv.weight`, shape);
    for (const part of ['weight', 'bias', 'running_mean', 'running_var']) {
      parameters.set(`${name}.bn.${part}`, shape.slice(0, 1));
    }
  }
  parameters.set('fc.weight', [inceptionClasses, poolFeatures]);
  parameters.set('fc.bias', [inceptionClasses]);
  return parameters;
}
