import { type TokenPooling, tokenPoolings, type ValueRangeName, valueRanges } from '@dpar/eval';
import { parseColor } from '@dpar/images';
import type { Json } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { defaultLossWeights, type TokenizerKind, tokenizerKinds } from '@dpar/tokenizer';
import { z } from 'zod';
import { checkpointKeys, count, modelSchema, optimizerSchema, positive, rate } from './config-keys.js';

const weight = z.number().min(0);

const dataKeys = z.strictObject({
  images: z.string().describe('Folder of training pictures, with or without subfolders'),
  validation: z.string().optional().describe('Folder of pictures for the validation'),
  validation_share: rate
    .default(0)
    .describe('Without validation: share of the images that is held out for it, chosen by their names'),
  background: z
    .string()
    .refine((text) => parseColor(text) !== undefined, { error: 'an opaque colour, such as white, black or #ff8800' })
    .default('white')
    .describe('Colour behind transparent pixels, as in CSS'),
  crop: z
    .enum(['center', 'random', 'fit'])
    .default('center')
    .describe(
      'Square of a picture: center, the largest in the middle; random, of a random size at a random place; fit, the whole ' +
        'picture on the background',
    ),
  scales: z
    .tuple([z.number().gt(0).max(1), z.number().gt(0).max(1)])
    .default([0.8, 1])
    .describe('Smallest and largest width of a random square, as fractions of the shorter side'),
  flip: z.boolean().default(false).describe('Mirror half of the pictures, chosen anew in each epoch'),
  threads: count.default(1).describe('Threads that decode pictures beside the training'),
  prefetch_batches: z.int().min(0).default(4).describe('Batches to prepare ahead'),
});

const valueRange = z.enum(Object.keys(valueRanges) as [ValueRangeName, ...ValueRangeName[]]);

const perceptualKeys = z.strictObject({
  network: z.string().describe('File of the network: an ONNX model, or the Inception weights of pytorch-fid (.pth)'),
  weight: positive.default(1).describe('Weight of the distance'),
  layers: z
    .array(z.string())
    .min(1)
    .optional()
    .describe(
      'Layers to compare. ONNX: outputs, inner tensors or nodes; default: all outputs. Inception: 64, 192, 768 and 2048, the ' +
        'channels of its stages; default: all',
    ),
  range: valueRange
    .optional()
    .describe('Values that the network was trained with; default: imagenet for ONNX, signed for Inception'),
  size: count
    .optional()
    .describe('Width and height that pictures are resized to; default: that of the network (Inception: 299)'),
});

const lossKeys = z.strictObject({
  absolute: weight
    .default(defaultLossWeights.absolute)
    .describe('Weight of the mean absolute error of pixels in -1..1'),
  squared: weight.default(defaultLossWeights.squared).describe('Weight of their mean squared error'),
  codebook: weight.default(defaultLossWeights.codebook).describe('Weight of the distance that moves codes to states'),
  commitment: weight
    .default(defaultLossWeights.commitment)
    .describe('Weight of the distance that moves states to codes'),
  entropy: weight
    .default(defaultLossWeights.entropy)
    .describe('Weight of the entropy of single choices of codes minus that of all choices'),
  perceptual: perceptualKeys.nullable().default(null).describe('Distance of a perceptual network; null: none'),
});

const discriminatorKeys = z.strictObject({
  start: z.int().min(0).describe('Steps before the discriminator joins'),
  weight: positive.default(0.5).describe('Weight of the adversarial loss'),
  adaptive: z
    .boolean()
    .default(true)
    .describe(
      'Multiply the weight by the ratio of the gradients of the other and the adversarial loss at the last layer',
    ),
  width: z.int().multipleOf(8).min(8).default(64).describe('Channels of its first layer, a multiple of 8'),
  layers: count.default(2).describe('Its convolutions of stride 2'),
  learning_rate_ratio: positive.default(1).describe('Its learning rate, as a multiple of that of the tokenizer'),
});

const featureKeys = z.strictObject({
  network: z.string().describe('File of the network: an ONNX model, or Inception-v3 weights (.pth, .safetensors)'),
  range: valueRange.optional().describe('ONNX: values that the network was trained with'),
  size: count.optional().describe('ONNX with open sizes: width and height that pictures are resized to'),
  tokens: z
    .enum(tokenPoolings as [TokenPooling, ...TokenPooling[]])
    .optional()
    .describe('ONNX that returns tokens: use the first (class) token, or their mean'),
});

const sampleKeys = z.strictObject({
  every: count.describe('Steps between grids of pictures beside their reconstructions. The last step also gets one'),
  count: count.default(32).describe('Pictures of a grid: validation pictures, or training pictures without them'),
});

/** Schema of the training configuration of a tokenizer. */
export function tokenizerSchema(kind: TokenizerKind) {
  return z.strictObject({
    model: modelSchema(kind, tokenizerKinds).describe('Tokenizer: its kind, and a preset or all its keys'),
    data: dataKeys.describe('Training and validation pictures'),
    loss: lossKeys.prefault({}).describe('Weights of the terms of the loss'),
    discriminator: discriminatorKeys
      .nullable()
      .default(null)
      .describe('Discriminator that is trained beside the tokenizer; null: none'),
    revive_after: z
      .int()
      .min(0)
      .default(100)
      .describe('Steps after which an unused code is moved to where codes are missing; 0: never'),
    optimizer: optimizerSchema({ learningRate: 1e-3, betas: [0.9, 0.99], weightDecay: 0 })
      .prefault({})
      .describe('AdamW and the learning rate'),
    steps: count.describe('Optimizer steps of the run'),
    batch_size: count.default(16).describe('Pictures per step, B'),
    init_from: z
      .string()
      .optional()
      .describe(
        'Tokenizer of the same kind to start from: a checkpoint folder, or the folder of a run (its best, else its last). ' +
          'Parameters of the same name and shape are taken; the seed draws the others',
      ),
    seed: z.int().min(0).default(0).describe('Seed of initial weights, order of pictures, crops and codes'),
    validate_every: count.nullable().default(null).describe('Steps between validations; null: only at the end'),
    features: featureKeys
      .nullable()
      .default(null)
      .describe(
        'Feature network for the FID of reconstructions (rFID) at each validation, as for dpar eval; null: none',
      ),
    checkpoints: checkpointKeys.prefault({}).describe('Checkpoints to write and to keep'),
    samples: sampleKeys.optional().describe('Grids that `dpar train` draws during training; default: none'),
    output: z.string().describe('Folder to write'),
  });
}

/** Checks keys that depend on one another. */
export function checkTokenizerKeys(where: string, config: z.infer<ReturnType<typeof tokenizerSchema>>): void {
  const { data, model, steps, discriminator, features } = config;
  const { image_size, preset } = model as Json;
  if (image_size === undefined && preset === undefined) {
    throw new DparError(
      `${where}: expected 'model.image_size', the width and height in pixels that pictures are resized to, got no such key. ` +
        'Set it, for example to 64.',
    );
  }
  if (discriminator !== null && discriminator.start >= steps) {
    throw new DparError(
      `${where}: expected 'discriminator.start' below the ${steps} of 'steps', got ${discriminator.start}. ` +
        'Start the discriminator earlier, or set it to null.',
    );
  }
  const { validation, validation_share, scales } = data;
  if (validation !== undefined && validation_share > 0) {
    throw new DparError(
      `${where}: expected either 'data.validation' or 'data.validation_share', got both. Leave one out.`,
    );
  }
  if (scales[0] > scales[1]) {
    throw new DparError(
      `${where}: expected 'data.scales' from the smallest to the largest, got ${JSON.stringify(scales)}. Swap them.`,
    );
  }
  if (features !== null && validation === undefined && validation_share === 0) {
    throw new DparError(
      `${where}: expected validation pictures for 'features', got neither 'data.validation' nor 'data.validation_share'. ` +
        'Set one of them, or leave features out.',
    );
  }
}
