import { argumentKinds, type Fields, readConfig, wholeNumber, writeConfig } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** A patch VQ tokenizer, as its config.json describes it. */
export interface PatchVqConfig {
  /** Width and height in pixels of the images that it was trained on; others may be of any size that patches fill. */
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
  imageSize: wholeNumber(1),
  patchSize: wholeNumber(1),
  codebookSize: wholeNumber(1),
  hiddenDim: wholeNumber(1),
};

/** Kinds of {@link PatchVqConfig}, for checks of arguments. */
export const patchVqConfigKinds = argumentKinds(patchVqFields);

/**
 * Reads a patch VQ tokenizer's config.json (kind `patch-vq`).
 * @throws DparError naming the key that is wrong.
 */
export function readPatchVqConfig(json: unknown): PatchVqConfig {
  checkArguments('readPatchVqConfig', { json }, { 'json?': 'any' });

  const config = readConfig('readPatchVqConfig', json, patchVqFields);
  if (config.imageSize % config.patchSize !== 0) {
    throw new DparError(
      `readPatchVqConfig: expected 'patch_size' to divide 'image_size' ${config.imageSize}, got ${config.patchSize}.`,
    );
  }
  return config;
}

/** The config.json of a patch VQ tokenizer. */
export function writePatchVqConfig(config: PatchVqConfig): Record<string, unknown> {
  checkArguments('writePatchVqConfig', { config }, { config: patchVqConfigKinds });

  return { kind: 'patch-vq', ...writeConfig(config) };
}

/** Patches in a row of an image, and rows. */
export function gridSizeOf(config: PatchVqConfig): number {
  checkArguments('gridSizeOf', { config }, { config: patchVqConfigKinds });
  const { imageSize, patchSize } = config;
  return imageSize / patchSize;
}

/** Numbers in a patch: pixels times 3 colours. */
export function patchWidthOf(config: PatchVqConfig): number {
  checkArguments('patchWidthOf', { config }, { config: patchVqConfigKinds });
  const { patchSize } = config;
  return 3 * patchSize * patchSize;
}
