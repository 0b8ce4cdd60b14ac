import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import {
  checkBatchSize,
  type FeatureNetwork,
  type FeatureRows,
  type ImageFeatures,
  inBatches,
  sha256,
} from '../feature-network.js';
import { checkBackground, type ImageReading, imageReadingKinds, type RgbImage } from '../image-set.js';
import { type NetworkInput, networkInput, type ValueRange, valueRangeKinds } from '../network-input.js';
import { imageSizeKinds } from '../resize/resample.js';
import { describeResize, type ResizeMethod } from '../resize/resize.js';
import { findInput, type OnnxInputOptions, textFeeds } from './input.js';
import { describeFailure, openSession } from './open-session.js';
import {
  findOutputs,
  type OnnxOutputNames,
  onnxOutputNamesKinds,
  rowsOf,
  type TokenPooling,
  tokenPoolings,
} from './outputs.js';
import { rangeOf, type ValueRangeName } from './range.js';
import { type OnnxRuntime, type OnnxSession, type OnnxTensor, onnxRuntimeKinds, onnxSessionKinds } from './session.js';
import { checkFinite, encodeValues } from './values.js';

/** A session that is there already, with what caches find its features by. It is not released with the network. */
export interface OpenOnnxModel<T> {
  readonly session: OnnxSession<T>;
  /** Differs where the weights differ. */
  readonly identity: string;
}

const openOnnxModelKinds: KindsOf<OpenOnnxModel<object>> = {
  session: onnxSessionKinds,
  identity: 'string',
  '*': 'any',
};

/** How {@link createOnnxNetwork} computes. */
export interface OnnxNetworkOptions extends OnnxInputOptions {
  /**
   * Values that the network was trained with: one of `valueRanges`, or a mean and deviation of bytes. Default for an input of
   * uint8: bytes.
   */
  readonly range?: ValueRangeName | ValueRange;
  /** Default: `clean`, which does not alias. */
  readonly resize?: ResizeMethod;
  /**
   * Default: `pool`, `spatial` and `logits` by name; without a `pool` the only output [N, D], or `image_embeds` or
   * `pooler_output`.
   */
  readonly outputs?: OnnxOutputNames;
  /** How image files become RGB. Default: turned upright by their EXIF orientation, transparency dropped. */
  readonly reading?: ImageReading;
  /** Takes tokens [N, T, D] as `pool`: the first one of each image (the class token), or their mean. */
  readonly tokens?: TokenPooling;
  /** Images that are computed at a time (default: 8), where the model does not fix their number. */
  readonly batchSize?: number;
  /** For people. Default: that it is an ONNX model, and its digest. */
  readonly name?: string;
  /** Options of the session, such as `{ executionProviders: ['cuda'] }`. */
  readonly session?: object;
}

const onnxNetworkOptionsKinds: KindsOf<OnnxNetworkOptions> = {
  'range?': ["'bytes' | 'unit' | 'signed' | 'imagenet' | 'clip'", valueRangeKinds],
  'resize?': "'adm' | 'pytorch' | 'clean'",
  'outputs?': onnxOutputNamesKinds,
  'reading?': imageReadingKinds,
  'tokens?': "'first' | 'mean'",
  'batchSize?': 'number',
  'name?': 'string',
  'session?': 'object',
  'input?': 'string',
  'layout?': "'NCHW' | 'NHWC'",
  'size?': ['number', imageSizeKinds],
};

/**
 * Any ONNX model as a feature network. Inputs may be float32, float16, float64 or uint8, outputs float32, float16 or float64.
 * Texts that a model like CLIP reads besides images are filled in with placeholders.
 *
 * @param ort The namespace of `onnxruntime-node` or `onnxruntime-web` (1.22 or later).
 * @param model The bytes of the `.onnx` file, or an open session, as `openOnnxModel` of `@dpar/eval/node` opens it for weights
 * beside the file.
 * @throws DparError if the model reads no images or gives no pooled features, leaves open what the options leave open
 * too, or ONNX Runtime does not take it.
 */
export async function createOnnxNetwork<T extends OnnxTensor>(
  ort: OnnxRuntime<T>,
  model: Uint8Array | OpenOnnxModel<T>,
  options: OnnxNetworkOptions = {},
): Promise<FeatureNetwork> {
  checkArguments(
    'createOnnxNetwork',
    { ort, model, options },
    { ort: onnxRuntimeKinds, model: ['Uint8Array', openOnnxModelKinds], 'options?': onnxNetworkOptionsKinds },
  );

  const { resize = 'clean', batchSize: wantedBatch = 8 } = options;
  checkBackground('createOnnxNetwork', options.reading ?? {});
  checkBatchSize('createOnnxNetwork', wantedBatch);
  const isBytes = model instanceof Uint8Array;
  const weights = isBytes ? `sha256:${(await sha256(model)).slice(0, 16)}` : model.identity;
  const session = isBytes ? await openSession(ort, model, model, options.session) : model.session;
  const release = async (): Promise<void> => void (isBytes && (await session.release()));
  try {
    const { name: inputName, type, batch: fixedBatch, layout, size } = findInput(session.inputMetadata, options);
    const texts = textFeeds(ort, session.inputMetadata, inputName);
    const { tokens } = options;
    if (tokens !== undefined && !tokenPoolings.includes(tokens)) {
      throw new DparError(`createOnnxNetwork: expected 'tokens' to be ${tokenPoolings.join(' or ')}, got '${tokens}'.`);
    }
    const { names: outputs, chosen } = findOutputs(session.outputMetadata, options.outputs ?? {}, tokens);
    const range = rangeOf(options.range, type);
    const input: NetworkInput = { size, layout, resize, range };
    const fetches = [...new Set(Object.values(outputs))];
    const compute = async (batch: readonly RgbImage[]): Promise<FeatureRows> => {
      const rows = fixedBatch ?? batch.length;
      const shape = layout === 'NCHW' ? [rows, 3, size.height, size.width] : [rows, size.height, size.width, 3];
      const images = new ort.Tensor(type, encodeValues(networkInput(batch, input, rows), type), shape);
      const found = await runSession(
        session,
        { ...texts, [inputName]: images },
        fetches,
        `${type} [${shape.join(', ')}]`,
      );
      const features: Record<string, Float32Array> = {};
      for (const [feature, output] of Object.entries(outputs)) {
        const tensor = found[output] as OnnxTensor;
        const data = await rowsOf(feature, output, tensor, rows, tokens);
        features[feature] = data.subarray(0, (data.length / rows) * batch.length);
        checkFinite(output, tensor, features[feature], batch.length);
      }
      return features;
    };
    const reading: ImageReading = { orientation: 'upright', ...options.reading };
    const settings = { input: inputName, size, layout, range, outputs, reading, ...(tokens && { tokens }) };
    const of = chosen || tokens ? `, output '${outputs.pool}'${tokens ? ` (${tokens} of tokens)` : ''}` : '';
    return {
      name: options.name ?? `ONNX model ${weights}${of}: figures can be compared to others of this model only`,
      resize: describeResize(resize),
      reading,
      identity: `onnx ${weights} ${resize} ${JSON.stringify(settings)}`,
      async extract(images) {
        return (await inBatches(images, fixedBatch ?? wantedBatch, compute)) as unknown as ImageFeatures;
      },
      dispose: release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** @param images The images' type and shape, for the error message. @throws DparError if ONNX Runtime fails. */
async function runSession<T extends OnnxTensor>(
  session: OnnxSession<T>,
  feeds: Readonly<Record<string, T>>,
  fetches: readonly string[],
  images: string,
): Promise<Readonly<Record<string, OnnxTensor>>> {
  try {
    return await session.run(feeds, fetches, { logSeverityLevel: 4 });
  } catch (cause) {
    throw new DparError(
      `extract: expected a network that takes images ${images}, got a failure in ONNX Runtime: ${describeFailure(cause)}. ` +
        "Pass 'size', what the network was trained with, or a batch size of 1 if it takes single images only.",
      { cause },
    );
  }
}
