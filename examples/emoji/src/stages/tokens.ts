import { encodeAll, type ImageSet, patchesOf } from '@dpar/example-kit/emoji';
import { type DparConfig, patchingOptions } from '@dpar/model';
import { type PatchStatistics, patchStatistics } from '@dpar/patchify';
import { type HostTensorOf, int32 } from '@dpar/tensor';
import { bytesFromImages, type ImageTokenizer, peakSignalToNoiseRatio } from '@dpar/tokenizer';
import type { TokenSet } from '@dpar/train';

/** A set of images as tokens. */
export interface TokenizedImages {
  readonly images: ImageSet;
  readonly tokens: TokenSet;
  /** [N, 64, 64, 3]: images of the tokens. */
  readonly reconstructed: Uint8Array;
  /** PSNR of all images together, dB. */
  readonly psnr: number;
}

/** A set of images as tokens and patches. */
export interface PatchedImages extends TokenizedImages {
  /** Tokens with their entropies. */
  readonly tokens: Required<TokenSet>;
  readonly patchLengths: readonly Int32Array[];
  readonly patches: PatchStatistics;
}

/** Turns images into tokens and back. */
export async function tokenize(tokenizer: ImageTokenizer, images: ImageSet): Promise<TokenizedImages> {
  const { pixels, labels } = images;
  const tokens = await encodeAll(tokenizer, pixels);
  const reconstructed = bytesFromImages(await tokenizer.decode(tokens));
  const psnr = peakSignalToNoiseRatio(pixels, reconstructed);
  return { images, tokens: { tokens, labels: int32([labels.length], labels) }, reconstructed, psnr };
}

/** Adds entropies [N, T - 1] and the patches that follow from them. */
export function withPatches(
  set: TokenizedImages,
  entropies: HostTensorOf<'float32'>,
  config: DparConfig,
): PatchedImages {
  const patchLengths = patchesOf(entropies, patchingOptions(config));
  return { ...set, tokens: { ...set.tokens, entropies }, patchLengths, patches: patchStatistics(patchLengths) };
}
