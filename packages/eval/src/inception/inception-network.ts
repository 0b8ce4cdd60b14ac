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
import { checkBatchSize, type FeatureNetwork, type FeatureRows, inBatches } from '../feature-network.js';
import { type FeatureWeights, featureWeightsKinds } from '../feature-weights.js';
import { type NetworkInput, networkInput, type ValueRange } from '../network-input.js';
import { inceptionClasses, inceptionSize } from './convolutions.js';
import { checkInceptionParameters, foldBatchNorm } from './fold.js';
import { inception } from './network.js';

/**
 * Order of the spatial features of an image. TensorFlow and ADM's reference files (`mu_s` and `sigma_s`) use
 * `height-width-channel` [17, 17, 7], PyTorch uses `channel-height-width` [7, 17, 17].
 */
export type SpatialOrder = 'height-width-channel' | 'channel-height-width';

/** Resize methods of the evaluators with Inception-v3. */
export type InceptionResize = Exclude<ResizeMethod, 'pillow'>;

/** Options of {@link createInceptionNetwork}. */
export interface InceptionOptions {
  /**
   * Evaluator whose features are computed. `adm` (default): the ADM evaluator, used by papers on ImageNet and for the reference
   * files. `pytorch`: pytorch-fid. `clean`: clean-fid.
   */
  readonly resize?: InceptionResize;
  /**
   * `unbiased`: without the last layer's bias, as in the ADM evaluator and torch-fidelity. `biased`: with it, as in
   * pytorch-fid's network. Default: `biased` for `pytorch`, else `unbiased`.
   */
  readonly logits?: 'unbiased' | 'biased';
  /** Default: `channel-height-width` for `pytorch`, else `height-width-channel`. */
  readonly spatialOrder?: SpatialOrder;
  /**
   * Conversion of image files to RGB. Default: that of all three evaluators, which ignore the EXIF orientation and drop
   * transparency.
   */
  readonly reading?: ImageReading;
  /** Images per batch. Default: 8, which takes about 130 MB besides the weights. */
  readonly batchSize?: number;
}

const inceptionOptionsKinds: KindsOf<InceptionOptions> = {
  'resize?': "'adm' | 'pytorch' | 'clean'",
  'logits?': "'unbiased' | 'biased'",
  'spatialOrder?': "'height-width-channel' | 'channel-height-width'",
  'batchSize?': 'number',
  'reading?': imageKinds.reading,
};

/** TensorFlow's graph subtracts 128 from bytes and divides by 128. */
const tensorFlowRange: ValueRange = { mean: 128, deviation: 128 };

/** Conventions of the evaluators besides resizing. All read files with Pillow's `convert('RGB')`, which ignores the orientation. */
const conventions = {
  adm: { range: tensorFlowRange, logits: 'unbiased', spatialOrder: 'height-width-channel', orientation: 'stored' },
  pytorch: {
    range: { mean: 127.5, deviation: 127.5 },
    logits: 'biased',
    spatialOrder: 'channel-height-width',
    orientation: 'stored',
  },
  clean: { range: tensorFlowRange, logits: 'unbiased', spatialOrder: 'height-width-channel', orientation: 'stored' },
} as const satisfies Record<InceptionResize, object>;

/**
 * Creates FID's network: pool [N, 2048], spatial [N, 2023] and logits [N, 1008] of images of any sizes. The features of an image
 * do not depend on the others.
 *
 * Other weights than pytorch-fid's are accepted. The network's name then says that metrics cannot be compared.
 *
 * @param weights See `parseFeatureWeights`, or in Node `loadFeatureWeights` of `@dpar/eval/node`.
 * @throws DparError for weights of another network, or a batch size that is not a whole number >= 1.
 */
export function createInceptionNetwork(
  engine: Engine,
  weights: FeatureWeights,
  options: InceptionOptions = {},
): FeatureNetwork {
  checkArguments(
    'createInceptionNetwork',
    { engine, weights, options },
    { engine: 'Engine', weights: featureWeightsKinds, 'options?': inceptionOptionsKinds },
  );
  const { resize = 'adm', batchSize = 8 } = options;
  const description = describeResize(resize);
  const { range, ...defaults } = conventions[resize];
  const { logits = defaults.logits, spatialOrder = defaults.spatialOrder } = options;
  const reading: ImageReading = { orientation: defaults.orientation, ...options.reading };
  checkBackground('createInceptionNetwork', reading);
  checkBatchSize('createInceptionNetwork', batchSize);
  const size = { width: inceptionSize, height: inceptionSize };
  const input: NetworkInput = { size, layout: 'NCHW', resize, range };
  checkInceptionParameters(weights.parameters);
  // Compiled at first use: a network whose features are all cached costs nothing.
  let compiled: CompiledFunction | undefined;
  const compile = (): CompiledFunction =>
    engine.compile(inOrder(spatialOrder), {
      constants: foldBatchNorm(weights.parameters),
      dynamicAxes: { images: { 0: 'batch' } },
    });
  const bias = logits === 'biased' ? named(weights.parameters, 'fc.bias').data : undefined;
  const digits = weights.sha256.slice(0, 16);
  return {
    name: isPublished(weights)
      ? 'Inception-v3 of pytorch-fid'
      : `Inception-v3 with other weights than pytorch-fid's (SHA-256 ${digits}...): figures cannot be compared to others`,
    resize: description,
    reading,
    identity: `inception-v3 sha256:${digits} ${resize} ${logits} ${spatialOrder}${otherReading(reading, defaults.orientation)}`,
    async extract(images) {
      compiled ??= compile();
      const network = compiled;
      const compute = (batch: readonly RgbImage[]) => computeBatch(network, batch, input, bias);
      return inBatches(images, batchSize, compute);
    },
    dispose: async () => compiled?.dispose(),
  };
}

/** First digits of the SHA-256 of pytorch-fid's file. Its name (pt_inception-2015-12-05-6726825d.pth) ends in them. */
const publishedDigits = '6726825d';

/** Checks by the SHA-256 that weights are pytorch-fid's. Metrics of other weights cannot be compared. */
export function isPublished(inceptionWeights: FeatureWeights): boolean {
  checkArguments('isPublished', { inceptionWeights }, { inceptionWeights: featureWeightsKinds });
  return inceptionWeights.sha256.startsWith(publishedDigits);
}

/** Part of the identity that marks a reading other than the evaluator's. */
function otherReading(reading: ImageReading, orientation: ImageReading['orientation']): string {
  const isUsual = reading.orientation === orientation && reading.background === undefined;
  return isUsual ? '' : ` ${JSON.stringify(reading)}`;
}

/** Network whose outputs are rows of features. */
function inOrder(order: SpatialOrder): TensorFunction {
  return function inceptionV3(ops, inputs) {
    const { pool, spatial, logits } = inception(ops, inputs, named(inputs, 'images'));
    const ordered = order === 'height-width-channel' ? ops.transpose(spatial, [0, 2, 3, 1]) : spatial;
    const [, ...sizes] = ops.shapeOf(spatial);
    return { pool, spatial: ops.reshape(ordered, [-1, sizes.reduce((a, b) => a * b)]), logits };
  };
}

async function computeBatch(
  compiled: CompiledFunction,
  batch: readonly RgbImage[],
  input: NetworkInput,
  bias: ArrayLike<number> | undefined,
): Promise<FeatureRows> {
  const shape = [batch.length, 3, inceptionSize, inceptionSize];
  const outputs = await compiled.run({ images: float32(shape, networkInput(batch, input)) });
  const rows = (name: string) => named(outputs, name).data as Float32Array;
  const logits = rows('logits');
  for (let i = 0; bias && i < logits.length; i++) {
    logits[i] = (logits[i] as number) + (bias[i % inceptionClasses] as number);
  }
  return { pool: rows('pool'), spatial: rows('spatial'), logits };
}
