import { extname } from 'node:path';
import { disableTelemetry, ortInstallHints } from '@dpar/engine-ort';
import {
  createDinov2Network,
  createInceptionNetwork,
  createOnnxNetwork,
  type FeatureNetwork,
  isDinov2,
  type OnnxNetworkOptions,
  tokenPoolings,
  type ValueRangeName,
  valueRanges,
} from '@dpar/eval';
import { loadFeatureWeights, openOnnxModel } from '@dpar/eval/node';
import { type ImageReading, resizeMethods } from '@dpar/images';
import { isDparError } from '@dpar/tensor';
import type { Context } from '../command/command.js';
import { CommandError, UsageError } from '../command/errors.js';
import { choice, color, file, optional, outputNames, text, type Values, wholeNumber } from '../command/options.js';
import { longName } from '../command/program.js';

/** Options of the feature network. */
export const networkOptions = {
  features: optional(
    file,
    'feature network for images: weights of Inception-v3 or DINOv2 (.pth, .safetensors), or any .onnx model',
  ),
  resize: optional(
    choice(resizeMethods),
    "method to resize images to the network's size (default: adm; for DINOv2: pillow; for .onnx: clean)",
  ),
  range: optional(
    choice(Object.keys(valueRanges) as ValueRangeName[]),
    'for .onnx: range of the input values: 0..255, 0..1, -1..1, or normalised by the mean and deviation of ImageNet (DINO, DINOv2) or CLIP',
  ),
  imageSize: optional(
    wholeNumber(1, 4096),
    'for DINOv2 (default: 224) and .onnx with open sizes: width and height of the input images',
  ),
  orientation: optional(
    choice(['upright', 'stored']),
    'EXIF orientation of image files: apply it (upright) or ignore it (stored) (default: upright for .onnx; stored for ' +
      'Inception-v3 and DINOv2, as in ADM, pytorch-fid, clean-fid and dgm-eval)',
  ),
  background: optional(
    color,
    'colour behind transparent pixels (default: transparency is ignored, as in other evaluators)',
  ),
  layout: optional(choice(['NCHW', 'NHWC']), 'for .onnx: order of the axes (default: inferred)'),
  input: optional(text('NAME', 'the name of an input'), 'for .onnx with several inputs: name of the image input'),
  outputs: optional(
    outputNames,
    'for .onnx: outputs to use, such as pool=pooler_output,logits=logits; a single name means pool (default: inferred)',
  ),
  tokens: optional(
    choice(tokenPoolings),
    'for .onnx that returns tokens [N, T, D]: use the first (class) token or their mean',
  ),
};

/** Options for ONNX models, by their names in `createOnnxNetwork`. */
const onnxOptions = {
  range: 'range',
  size: 'imageSize',
  layout: 'layout',
  input: 'input',
  outputs: 'outputs',
  tokens: 'tokens',
} as const satisfies Partial<Record<keyof OnnxNetworkOptions, keyof typeof networkOptions>>;

/** Values of {@link networkOptions} without the file. */
export type NetworkValues = Omit<Values<typeof networkOptions>, 'features'>;

/** Remedy for a missing feature network. */
export const networkRemedy =
  'For comparable figures use the Inception-v3 weights of FID: ' +
  'pt_inception-2015-12-05-6726825d.pth from https://github.com/mseitzer/pytorch-fid/releases, or those of FD-DINOv2: ' +
  'dinov2_vitl14_pretrain.pth from https://github.com/facebookresearch/dinov2.';

/**
 * Loads the feature network of a file.
 * @throws UsageError for another kind of file, or options that do not fit it; DparError or IoError if the file does not hold
 * such a network.
 */
export async function loadFeatureNetwork(
  path: string,
  values: NetworkValues,
  context: Context,
): Promise<FeatureNetwork> {
  const { resize } = values;
  const ending = extname(path).toLowerCase();
  if (ending === '.onnx') return loadOnnxNetwork(path, values, context);
  if (!['.pth', '.pt', '.safetensors'].includes(ending)) {
    throw new UsageError(`--features: expected .pth or .safetensors weights, or an .onnx model, got '${path}'.`);
  }
  const { imageSize: size, ...others } = values;
  const given = Object.values(onnxOptions).filter((name) => name !== 'imageSize' && others[name] !== undefined);
  if (given.length > 0) {
    throw new UsageError(
      `${given.map(longName).join(', ')}: expected an .onnx model, got '${path}'. Leave them out: weights have fixed values.`,
    );
  }
  const weights = await loadFeatureWeights(path);
  const reading = readingOf(values);
  if (isDinov2(weights.parameters)) {
    const options = { reading, ...(resize && { resize }), ...(size && { size }) };
    return createDinov2Network(await context.engine(), weights, options);
  }
  if (size !== undefined || resize === 'pillow') {
    throw new UsageError(
      `${size === undefined ? '--resize pillow' : '--image-size'}: expected DINOv2 or an .onnx model, got Inception-v3 in '${path}'. ` +
        'Leave it out: no evaluator with Inception-v3 does this.',
    );
  }
  return createInceptionNetwork(await context.engine(), weights, { reading, ...(resize && { resize }) });
}

function readingOf({ orientation, background }: NetworkValues): ImageReading {
  return { ...(orientation && { orientation }), ...(background && { background }) };
}

async function loadOnnxNetwork(path: string, values: NetworkValues, context: Context): Promise<FeatureNetwork> {
  const { resize, range, imageSize: size, layout, input, outputs, tokens } = values;
  const reading = readingOf(values);
  disableTelemetry();
  const ort = await import('onnxruntime-node').catch((cause: unknown) => {
    const message = `--features: expected the package 'onnxruntime-node' for '${path}', got a package that is missing or does not load.`;
    throw new CommandError(`${message} Install it: ${ortInstallHints.node}`, { cause });
  });
  const options = Object.entries({ reading, resize, range, size, layout, input, outputs, tokens });
  const given = Object.fromEntries(options.filter(([, value]) => value !== undefined)) as OnnxNetworkOptions;
  const session = context.threads === undefined ? {} : { intraOpNumThreads: context.threads };
  const model = await openOnnxModel(ort, path, session).catch((error: unknown) => {
    throw inOptionNames(error, path);
  });
  try {
    const network = await createOnnxNetwork(ort, model, given);
    return {
      ...network,
      extract: (images) =>
        network.extract(images).catch((error: unknown) => {
          throw inOptionNames(error, path);
        }),
      dispose: () => model.session.release(),
    };
  } catch (error) {
    await model.session.release();
    throw inOptionNames(error, path);
  }
}

/** Rewrites an error of the package for users of the command: names the file, and options as the command has them. */
function inOptionNames(error: unknown, path: string): unknown {
  if (!isDparError(error)) return error;
  const names = Object.keys(onnxOptions).join('|');
  const message = error.message
    .replace(/^(createOnnxNetwork|openOnnxModel|extract): /, `'${path}': `)
    .replaceAll(new RegExp(`'(${names})(: \\{ pool: name \\})?'`, 'g'), (_, name: keyof typeof onnxOptions, value) => {
      return longName(onnxOptions[name]) + (value === undefined ? '' : ' pool=NAME');
    });
  return message.includes('Pass --range')
    ? new UsageError(`--range: ${message.replace(`'${path}': `, '')}`)
    : new CommandError(message, { cause: error });
}
