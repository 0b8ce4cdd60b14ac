import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import type { FeatureNetwork, ImageFeatures } from '../feature-network.js';
import type { RgbImage } from '../image-set.js';
import { checkBatchSize, type FeatureRows, inBatches } from '../in-batches.js';
import { type NetworkInput, networkInput, type ValueRange, valueRangeKinds } from '../network-input.js';
import { imageSizeKinds } from '../resize/resample.js';
import { describeResize, type ResizeMethod } from '../resize/resize.js';
import { sha256 } from '../sha256.js';
import { findInput, type OnnxInputOptions } from './input.js';
import { findOutputs, type OnnxOutputNames, onnxOutputNamesKinds, rowsOf } from './outputs.js';
import type { OnnxRuntime, OnnxSession, OnnxTensor } from './session.js';
import { onnxRuntimeKinds, onnxSessionKinds } from './session.js';

/**
 * Usual ranges of values. `bytes`: 0..255; `unit`: 0..1; `signed`: -1..1; `imagenet`: the mean and standard deviation
 * that networks of torchvision and their like are trained with.
 */
export const valueRanges = {
  bytes: { mean: 0, deviation: 1 },
  unit: { mean: 0, deviation: 255 },
  signed: { mean: 127.5, deviation: 127.5 },
  imagenet: { mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] },
} as const satisfies Record<string, ValueRange>;

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
  /** Values that the network was trained with: one of {@link valueRanges}, or a mean and deviation of bytes. */
  readonly range: keyof typeof valueRanges | ValueRange;
  /** Default: `clean`, which does not alias. */
  readonly resize?: ResizeMethod;
  /** Default: see `findOutputs`: `pool`, `spatial`, `logits`, or the only pooled one. */
  readonly outputs?: OnnxOutputNames;
  /** Images that are computed at a time (default: 8), where the model does not fix their number. */
  readonly batchSize?: number;
  /** For people. Default: that it is an ONNX model, and its digest. */
  readonly name?: string;
  /** Options of the session, such as `{ executionProviders: ['cuda'] }`. */
  readonly session?: object;
}

const onnxNetworkOptionsKinds: KindsOf<OnnxNetworkOptions> = {
  range: ["'bytes' | 'unit' | 'signed' | 'imagenet'", valueRangeKinds],
  'resize?': "'adm' | 'pytorch' | 'clean'",
  'outputs?': onnxOutputNamesKinds,
  'batchSize?': 'number',
  'name?': 'string',
  'session?': 'object',
  'input?': 'string',
  'layout?': "'NCHW' | 'NHWC'",
  'size?': ['number', imageSizeKinds],
};

/**
 * Any ONNX model as a feature network.
 *
 * @param ort The namespace of `onnxruntime-node` or `onnxruntime-web` (1.22 or later).
 * @param model The bytes of the `.onnx` file, or an open session (as it needs to be for weights beside the file).
 * @throws DparError if the model reads no images or gives no pooled features, leaves open what the options leave open
 * too, or ONNX Runtime does not take it.
 */
export async function createOnnxNetwork<T extends OnnxTensor>(
  ort: OnnxRuntime<T>,
  model: Uint8Array | OpenOnnxModel<T>,
  options: OnnxNetworkOptions,
): Promise<FeatureNetwork> {
  checkArguments(
    'createOnnxNetwork',
    { ort, model, options },
    { ort: onnxRuntimeKinds, model: ['Uint8Array', openOnnxModelKinds], options: onnxNetworkOptionsKinds },
  );

  const { resize = 'clean', batchSize: wantedBatch = 8 } = options;
  checkBatchSize('createOnnxNetwork', wantedBatch);
  const isBytes = model instanceof Uint8Array;
  const weights = isBytes ? `sha256:${(await sha256(model)).slice(0, 16)}` : model.identity;
  const session = isBytes ? await open(ort, model, options.session) : model.session;
  const release = async (): Promise<void> => void (isBytes && (await session.release()));
  try {
    const { name: inputName, batch: fixedBatch, layout, size } = findInput(session.inputMetadata, options);
    const outputs = findOutputs(session.outputMetadata, options.outputs ?? {});
    const range = typeof options.range === 'string' ? valueRanges[options.range] : options.range;
    const input: NetworkInput = { size, layout, resize, range };
    const compute = async (batch: readonly RgbImage[]): Promise<FeatureRows> => {
      const rows = fixedBatch ?? batch.length;
      const shape = layout === 'NCHW' ? [rows, 3, size.height, size.width] : [rows, size.height, size.width, 3];
      const images = new ort.Tensor('float32', networkInput(batch, input, rows), shape);
      const found = await session.run({ [inputName]: images } as Record<string, T>, Object.values(outputs));
      const features: Record<string, Float32Array> = {};
      for (const [feature, output] of Object.entries(outputs)) {
        const data = await rowsOf(feature, output, found[output] as OnnxTensor, rows);
        features[feature] = data.subarray(0, (data.length / rows) * batch.length);
      }
      return features;
    };
    const settings = { input: inputName, size, layout, range, outputs };
    return {
      name: options.name ?? `ONNX model ${weights}: figures can be compared to others of this model only`,
      resize: describeResize(resize),
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

async function open<T extends OnnxTensor>(
  ort: OnnxRuntime<T>,
  model: Uint8Array,
  options: object | undefined,
): Promise<OnnxSession<T>> {
  try {
    return await ort.InferenceSession.create(model, options);
  } catch (cause) {
    throw new DparError(
      `createOnnxNetwork: expected a model that ONNX Runtime takes, got: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}
