import type { KindsOf } from '@dpar/check';
import {
  checkBackground,
  describeResize,
  type ImageReading,
  imageKinds,
  type ResizeMethod,
  type RgbImage,
} from '@dpar/images';
import { type CompiledFunction, type Engine, float32, named, type TensorFunction } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { checkBatchSize, type FeatureNetwork, inBatches } from '../feature-network.js';
import { type FeatureWeights, featureWeightsKinds } from '../feature-weights.js';
import { type NetworkInput, networkInput } from '../network-input.js';
import { valueRanges } from '../onnx/range.js';
import { type Dinov2Config, dinov2Name, inferDinov2Config } from './config.js';
import { dinov2, dinov2Constants } from './network.js';

/** Options of {@link createDinov2Network}. */
export interface Dinov2Options {
  /** Resize method. Default: `pillow`, that of dgm-eval, whose values papers report as FD-DINOv2. */
  readonly resize?: ResizeMethod;
  /** Width and height of the resized images in pixels: a multiple of 14. Default: 224, as in dgm-eval. */
  readonly size?: number;
  /** Conversion of image files to RGB. Default: that of dgm-eval, which ignores the EXIF orientation and drops transparency. */
  readonly reading?: ImageReading;
  /** Images per batch. Default: 8. */
  readonly batchSize?: number;
}

const dinov2OptionsKinds: KindsOf<Dinov2Options> = {
  'resize?': imageKinds.resizeMethod,
  'size?': 'number',
  'reading?': imageKinds.reading,
  'batchSize?': 'number',
};

/** Size of the resized images in pixels, as in dgm-eval. */
const defaultSize = 224;

/**
 * Creates DINOv2 as a feature network: pool [N, D], the class token after the last norm, of images of any sizes. Their Fréchet
 * distance is FD-DINOv2 (Stein et al. 2023, arXiv:2306.04675). The size of the network is inferred from the weights. There are no
 * logits and no spatial features, so no Inception Score and no sFID.
 *
 * @param weights See `parseFeatureWeights`, or in Node `loadFeatureWeights` of `@dpar/eval/node`.
 * @throws DparError for weights of another network, a size that is no multiple of 14, or a batch size that is not a whole
 * number >= 1.
 */
export function createDinov2Network(
  engine: Engine,
  weights: FeatureWeights,
  options: Dinov2Options = {},
): FeatureNetwork {
  checkArguments(
    'createDinov2Network',
    { engine, weights, options },
    { engine: 'Engine', weights: featureWeightsKinds, 'options?': dinov2OptionsKinds },
  );
  const { resize = 'pillow', size: side = defaultSize, batchSize = 8 } = options;
  const reading: ImageReading = { orientation: 'stored', ...options.reading };
  checkBackground('createDinov2Network', reading);
  checkBatchSize('createDinov2Network', batchSize);
  const config = inferDinov2Config(weights.parameters);
  const size = { width: side, height: side };
  const constants = dinov2Constants(weights.parameters, config, size);
  const input: NetworkInput = { size, layout: 'NCHW', resize, range: valueRanges.imagenet };
  // Compiled at first use: a network whose features are all cached costs nothing.
  let compiled: CompiledFunction | undefined;
  const digits = weights.sha256.slice(0, 16);
  return {
    name: `${dinov2Name(config)} (SHA-256 of the weights: ${digits}...)`,
    resize: `${side} x ${side}, ${describeResize(resize)}`,
    reading,
    identity: `dinov2 sha256:${digits} ${resize} ${side} ${JSON.stringify(reading)}`,
    async extract(images) {
      compiled ??= engine.compile(classTokens(config), { constants, dynamicAxes: { images: { 0: 'batch' } } });
      const network = compiled;
      const compute = async (batch: readonly RgbImage[]) => {
        const shape = [batch.length, 3, side, side];
        const outputs = await network.run({ images: float32(shape, networkInput(batch, input)) });
        return { pool: named(outputs, 'pool').data as Float32Array };
      };
      return inBatches(images, batchSize, compute);
    },
    dispose: async () => compiled?.dispose(),
  };
}

/** Network whose output is a row of features for each image. */
function classTokens(config: Dinov2Config): TensorFunction {
  return function dinov2Features(ops, inputs) {
    return { pool: dinov2(ops, config, inputs, named(inputs, 'images')) };
  };
}
