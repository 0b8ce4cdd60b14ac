import { argumentKinds, described, type Fields, readConfig, wholeNumber } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Configuration of a patch VQ tokenizer. */
export interface PatchVqConfig {
  /** Width and height in pixels of the training images. Other images may have any size that patches fill. */
  readonly imageSize: number;
  /** Width and height of a patch in pixels; it divides the image size. */
  readonly patchSize: number;
  /** Number of codes K. */
  readonly codebookSize: number;
  /** Width of the decoder's hidden layer, F. */
  readonly hiddenDim: number;
}

/** Keys of a patch VQ tokenizer's config.json. */
export const patchVqFields: Fields<PatchVqConfig> = {
  imageSize: described('Width and height of the training pictures in pixels', wholeNumber(1)),
  patchSize: described('Width and height of a patch in pixels; it divides the image size', wholeNumber(1)),
  codebookSize: described('Number of codes', wholeNumber(1)),
  hiddenDim: described("Width of the decoder's hidden layer", wholeNumber(1)),
};

/** Kinds of {@link PatchVqConfig}, for argument checks. */
export const patchVqConfigKinds = argumentKinds(patchVqFields);

/**
 * Reads a patch VQ tokenizer's config.json (kind `patch-vq`).
 * @throws DparError naming the wrong key.
 */
export function readPatchVqConfig(json: unknown): PatchVqConfig {
  const config = readConfig('patchVqKind.readConfig', json, patchVqFields);
  if (config.imageSize % config.patchSize !== 0) {
    throw new DparError(
      `patchVqKind.readConfig: expected 'patch_size' to divide 'image_size' ${config.imageSize}, got ${config.patchSize}. ` +
        'Choose another patch size.',
    );
  }
  return config;
}

/** Numbers in a patch: 3 colours of each pixel. */
export function patchWidthOf(config: PatchVqConfig): number {
  checkArguments('patchWidthOf', { config }, { config: patchVqConfigKinds });
  const { patchSize } = config;
  return 3 * patchSize * patchSize;
}
