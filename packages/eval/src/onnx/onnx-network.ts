import type { KindsOf } from '@dpar/check';
import {
  checkBackground,
  describeResize,
  type ImageReading,
  imageKinds,
  type ResizeMethod,
  type RgbImage,
} from '@dpar/images';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { checkBatchSize, type FeatureNetwork, type FeatureRows, inBatches, sha256 } from '../feature-network.js';
import { type NetworkInput, networkInput, type ValueRange, valueRangeKinds } from '../network-input.js';
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

/** An open session with the identity of its model. The network does not release it. */
export interface OpenOnnxModel<T> {
  readonly session: OnnxSession<T>;
  /** Key of cached features: differs if the weights differ. */
  readonly identity: string;
}

const openOnnxModelKinds: KindsOf<OpenOnnxModel<object>> = {
  session: onnxSessionKinds,
  identity: 'string',
  '*': 'any',
};

/** Options of {@link createOnnxNetwork}. */
export interface OnnxNetworkOptions extends OnnxInputOptions {
  /**
   * Value range of the training images: one of `valueRanges`, or a mean and deviation of bytes. Default for uint8 inputs: bytes.
   * Other inputs have no default.
   */
  readonly range?: ValueRangeName | ValueRange;
  /** Resize method. Default: `clean`, which does not alias. */
  readonly resize?: ResizeMethod;
  /**
   * Names of the outputs. Default: `pool`, `spatial` and `logits`. Without a `pool`: the only output [N, D], or `image_embeds`
   * or `pooler_output`.
   */
  readonly outputs?: OnnxOutputNames;
  /** Conversion of image files to RGB. Default: upright by their EXIF orientation, transparency dropped. */
  readonly reading?: ImageReading;
  /** Pooling of a sequence of tokens [N, T, D]: the first token of each image (the class token), or the mean. */
  readonly tokens?: TokenPooling;
  /** Images per batch, if the model does not fix it. Default: 8. */
  readonly batchSize?: number;
  /** Display name. Default: `ONNX model` with its digest. */
  readonly name?: string;
  /** Options of the session, such as `{ executionProviders: ['cuda'] }`. */
  readonly session?: object;
}

const onnxNetworkOptionsKinds: KindsOf<OnnxNetworkOptions> = {
  'range?': ["'bytes' | 'unit' | 'signed' | 'imagenet' | 'clip'", valueRangeKinds],
  'resize?': imageKinds.resizeMethod,
  'outputs?': onnxOutputNamesKinds,
  'reading?': imageKinds.reading,
  'tokens?': "'first' | 'mean'",
  'batchSize?': 'number',
  'name?': 'string',
  'session?': 'object',
  'input?': 'string',
  'layout?': "'NCHW' | 'NHWC'",
  'size?': ['number', imageKinds.size],
};

/**
 * Creates a feature network from any ONNX model. Inputs may be float32, float16, float64 or uint8, outputs float32, float16 or
 * float64. Text inputs of models such as CLIP get placeholders.
 *
 * @param ort Namespace of `onnxruntime-node` or `onnxruntime-web` (1.22 or later).
 * @param model Bytes of the `.onnx` file, or an open session. `openOnnxModel` of `@dpar/eval/node` opens models with external
 * weights.
 * @throws DparError if the model has no input of images or no pooled features, the options leave something open, or ONNX
 * Runtime refuses it.
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
      throw new DparError(
        `createOnnxNetwork: expected 'tokens' to be ${tokenPoolings.join(' or ')}, got '${tokens}'. Pass one of them.`,
      );
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
      return features as FeatureRows;
    };
    const reading: ImageReading = { orientation: 'upright', ...options.reading };
    const settings = { input: inputName, size, layout, range, outputs, reading, tokens };
    const of = chosen || tokens ? `, output '${outputs.pool}'${tokens ? ` (${tokens} of tokens)` : ''}` : '';
    return {
      name: options.name ?? `ONNX model ${weights}${of}: figures can be compared to others of this model only`,
      resize: describeResize(resize),
      reading,
      identity: `onnx ${weights} ${resize} ${JSON.stringify(settings)}`,
      extract: (images) => inBatches(images, fixedBatch ?? wantedBatch, compute),
      dispose: release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Runs a session. @param images Type and shape of the images, for error messages. @throws DparError if ONNX Runtime fails. */
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
      `extract: expected a network that accepts images ${images}, got a failure in ONNX Runtime: ${describeFailure(cause)}. ` +
        "Pass the size of the training images as 'size', or a batch size of 1 if the network only accepts single images.",
      { cause },
    );
  }
}
