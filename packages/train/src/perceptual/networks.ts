import { type FeatureWeights, foldBatchNorm, inception, isPublished, type ValueRange } from '@dpar/eval';
import { type ExternalFiles, type OnnxPort, readOnnxNetwork } from '@dpar/onnx';
import { DparError, named, type Ops, type Tensors, type TensorType, typeOps } from '@dpar/tensor';
import type { PerceptualNetwork } from '@dpar/tokenizer';

/** Settings of a network for a perceptual loss. */
export interface NetworkSettings {
  readonly layers?: readonly string[] | undefined;
  readonly range?: ValueRange | undefined;
  readonly size?: number | undefined;
}

/** Stages of Inception-v3 by their number of channels, in order. */
const inceptionStages: readonly string[] = ['64', '192', '768', '2048'];

/** Width and height that FID's Inception-v3 was trained with, and the smallest that its poolings leave something of. */
const inceptionSizes = { usual: 299, smallest: 75 } as const;

/**
 * FID's Inception-v3 for a perceptual loss: the ends of its pooling stages.
 * @throws DparError for weights of another network, an unknown stage, or a size below 75 pixels.
 */
export function inceptionPerceptualNetwork(
  weights: FeatureWeights,
  { layers = inceptionStages, range = { mean: 127.5, deviation: 127.5 }, size = inceptionSizes.usual }: NetworkSettings,
): PerceptualNetwork {
  const constants = foldBatchNorm(weights.parameters);
  const unknown = layers.find((layer) => !inceptionStages.includes(layer));
  if (unknown !== undefined || layers.length === 0) {
    throw new DparError(
      `loadPerceptualNetwork: expected 'layers' of Inception-v3 among ${inceptionStages.join(', ')} (channels of its stages), ` +
        `got ${unknown === undefined ? 'none' : `'${unknown}'`}. Choose some of these.`,
    );
  }
  if (size < inceptionSizes.smallest) {
    throw new DparError(
      `loadPerceptualNetwork: expected a 'size' of at least ${inceptionSizes.smallest} pixels for Inception-v3, got ${size}. ` +
        `Choose a larger one, or leave it out for ${inceptionSizes.usual}.`,
    );
  }
  return {
    name: isPublished(weights) ? 'Inception-v3 of pytorch-fid' : 'Inception-v3 with other weights than pytorch-fid',
    size: { width: size, height: size },
    range,
    features<T>(ops: Ops<T>, images: T): T[] {
      const parameters: Record<string, T> = {};
      for (const [name, value] of Object.entries(constants)) parameters[name] = ops.constant(value);
      const { stages } = inception(ops, parameters, images);
      return layers.map((layer) => stages[inceptionStages.indexOf(layer)] as T);
    },
  };
}

/** Mean and deviation of bytes that most networks for images were trained with: those of ImageNet. */
const imageNetRange: ValueRange = { mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] };

/**
 * A network of an ONNX file for a perceptual loss.
 * @param name Name for messages.
 * @throws DparError if it has no single input of images [B, 3, H, W], `size` does not fit it, its features are no maps, tokens or
 * rows, or as `readOnnxNetwork`.
 */
export function onnxPerceptualNetwork(
  name: string,
  bytes: Uint8Array,
  externalData: ExternalFiles,
  { layers, range = imageNetRange, size: given }: NetworkSettings,
): PerceptualNetwork {
  const network = readOnnxNetwork(bytes, { externalData, ...(layers !== undefined && { outputs: layers }) });
  const input = imageInput(name, network.inputs);
  const size = sizeOf(name, input, given);
  const features = <T>(ops: Ops<T>, images: T): T[] => {
    const outputs: Tensors<T> = network.run(ops, { [input.name]: images });
    return network.outputs.map((output) => named(outputs, output));
  };
  if (size !== undefined) checkFeatures(name, network.outputs, features(typeOps, typeOfImages(size)));
  return { name, size, range, features };
}

/** The check runs on types only, with a number of images that no other size has. */
const checkedImages = 7;

function typeOfImages({ width, height }: { width: number; height: number }): TensorType {
  return { dtype: 'float32', shape: [checkedImages, 3, height, width] };
}

function imageInput(name: string, inputs: readonly OnnxPort[]): OnnxPort {
  const [input] = inputs;
  const { shape } = input ?? {};
  const [, channels, , last] = shape ?? [];
  const isNchw = shape?.length === 4 && (channels === 3 || (typeof channels !== 'number' && last !== 3));
  if (input !== undefined && inputs.length === 1 && isNchw) return input;
  const got = inputs.map((port) => `'${port.name}' [${port.shape?.map((size) => size ?? '?').join(', ') ?? '?'}]`);
  throw new DparError(
    `loadPerceptualNetwork: expected one input of images [B, 3, H, W] in '${name}', got ${got.join(', ') || 'none'}. ` +
      'Export only the part of the network that turns images into features, with channels before rows.',
  );
}

function sizeOf(name: string, { shape = [] }: OnnxPort, given: number | undefined): PerceptualNetwork['size'] {
  const [, , height, width] = shape;
  if (typeof height !== 'number' || typeof width !== 'number') {
    return given === undefined ? undefined : { width: given, height: given };
  }
  if (given === undefined || (given === width && given === height)) return { width, height };
  throw new DparError(
    `loadPerceptualNetwork: expected a 'size' that fits '${name}', whose images have ${width}x${height} pixels, got ${given}. ` +
      "Leave out 'size', or export the network with open sizes.",
  );
}

function checkFeatures(name: string, outputs: readonly string[], types: readonly TensorType[]): void {
  types.forEach(({ dtype, shape }, i) => {
    if (dtype === 'float32' && shape.length >= 2 && shape.length <= 4 && shape[0] === checkedImages) return;
    throw new DparError(
      `loadPerceptualNetwork: expected features [B, C, h, w], [B, T, C] or [B, C] of each image in '${outputs[i]}' of '${name}', ` +
        `got ${dtype}[${shape.join(', ')}] for ${checkedImages} images. Choose other 'layers', or export with an open number of images.`,
    );
  });
}
