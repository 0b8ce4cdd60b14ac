import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { disableTelemetry, ortInstallHints } from '@dpar/engine-ort';
import { createInceptionNetwork, createOnnxNetwork, type FeatureNetwork, resizeMethods, valueRanges } from '@dpar/eval';
import { readInceptionWeights } from '@dpar/eval/node';
import type { Context } from './context.js';
import { CommandError, UsageError } from './errors.js';
import { choice, color, file, optional, type Values, wholeNumber } from './options.js';

/** Options that say which feature network images are evaluated with. */
export const networkOptions = {
  features: optional(
    file,
    'feature network, for images: Inception-v3 weights (.pth, .safetensors), or any .onnx model',
  ),
  resize: optional(choice(resizeMethods), "how images come to the network's size (default: adm, and clean for .onnx)"),
  range: optional(
    choice(Object.keys(valueRanges) as (keyof typeof valueRanges)[]),
    'for .onnx: values the network was trained with, 0..255, 0..1, -1..1 or as usual for ImageNet',
  ),
  imageSize: optional(wholeNumber(1, 4096), "for .onnx that leaves it open: width and height of the network's images"),
  orientation: optional(
    choice(['upright', 'stored']),
    'whether image files are turned as their EXIF orientation says (default: upright for .onnx; stored for Inception-v3, as ' +
      'the evaluators of ADM, pytorch-fid and clean-fid read them)',
  ),
  background: optional(color, 'colour behind transparent pixels (default: transparency is dropped, as evaluators do)'),
};

/** Values of {@link networkOptions} but for the file. */
export type NetworkValues = Omit<Values<typeof networkOptions>, 'features'>;

/** What to do without a feature network. */
export const networkRemedy =
  'For figures that can be compared with those of others, take the Inception-v3 weights of FID: ' +
  'pt_inception-2015-12-05-6726825d.pth of https://github.com/mseitzer/pytorch-fid/releases.';

/**
 * Loads the feature network of a file.
 * @throws UsageError for a file of another kind, or options that do not go with it; DparError or IoError if the file holds
 * no such network.
 */
export async function loadFeatureNetwork(
  path: string,
  { resize, range, imageSize, orientation, background }: NetworkValues,
  context: Context,
): Promise<FeatureNetwork> {
  const ending = extname(path).toLowerCase();
  const reading = { ...(orientation && { orientation }), ...(background && { background }) };
  if (ending === '.onnx') {
    if (range === undefined) {
      throw new UsageError(
        `--range: expected the values that '${path}' was trained with, got none. Its card says them.`,
      );
    }
    disableTelemetry();
    const ort = await import('onnxruntime-node').catch((cause: unknown) => {
      const message = `--features: expected the package 'onnxruntime-node' for '${path}', got none that starts.`;
      throw new CommandError(`${message} Install it: ${ortInstallHints.node}`, { cause });
    });
    const session = context.threads === undefined ? {} : { intraOpNumThreads: context.threads };
    return createOnnxNetwork(ort, await readFile(path), {
      range,
      session,
      reading,
      ...(resize && { resize }),
      ...(imageSize && { size: imageSize }),
    });
  }
  if (!['.pth', '.pt', '.safetensors'].includes(ending)) {
    throw new UsageError(`--features: expected .pth or .safetensors weights, or an .onnx model, got '${path}'.`);
  }
  if (range !== undefined || imageSize !== undefined) {
    throw new UsageError(`--range, --image-size: expected an .onnx model, got '${path}'. Inception-v3 has its own.`);
  }
  return createInceptionNetwork(await context.engine(), await readInceptionWeights(path), {
    reading,
    ...(resize && { resize }),
  });
}
