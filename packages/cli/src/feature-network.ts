import { extname } from 'node:path';
import type { FeatureNetwork } from '@dpar/eval';
import type { Context } from './context.js';
import { CommandError, UsageError } from './errors.js';
import { choice, file, optional } from './options.js';

/** Options that say which feature network images are evaluated with. */
export const networkOptions = {
  features: optional(
    file,
    'feature network, for images: Inception-v3 weights (.pth, .safetensors), or any .onnx model',
  ),
  resize: optional(choice(['adm', 'pytorch', 'clean']), "how images come to the network's size", 'adm'),
};

/** Values of {@link networkOptions}. */
export interface NetworkValues {
  readonly features: string | undefined;
  readonly resize: 'adm' | 'pytorch' | 'clean';
}

/** What to do without a feature network. */
export const networkRemedy =
  'For figures that can be compared with those of others, take the Inception-v3 weights of FID: ' +
  'pt_inception-2015-12-05-6726825d.pth of https://github.com/mseitzer/pytorch-fid/releases.';

/**
 * Loads the feature network of `--features` and `--resize`.
 * @throws UsageError for a file of another kind.
 */
export async function loadFeatureNetwork(
  path: string,
  _resize: NetworkValues['resize'],
  _context: Context,
): Promise<FeatureNetwork> {
  if (!['.pth', '.pt', '.safetensors', '.onnx'].includes(extname(path).toLowerCase())) {
    throw new UsageError(`--features: expected .pth or .safetensors weights, or an .onnx model, got '${path}'.`);
  }
  throw new CommandError(`--features: expected a version that runs feature networks, got one that does not.`);
}
