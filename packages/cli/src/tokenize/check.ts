import { type CropOptions, variantsOf } from '@dpar/images';
import { toHostTensor } from '@dpar/io';
import { writeFileAtomic } from '@dpar/io/node';
import { Grid, gridLayout, type ImageDecoder } from '@dpar/pipeline';
import type { PartFolder } from '@dpar/shards';
import { peakSignalToNoiseRatio } from '@dpar/tokenizer';
import type { LabelledImages } from './labelled-images.js';

/** Images in a check, and pairs of images in a row. */
const [shown, pairsInRow] = [16, 4];

/** Result of a check. */
export interface TokenCheck {
  /** Of all pixels that are shown together, in dB. */
  readonly psnr: number;
  readonly images: readonly { readonly name: string; readonly psnr: number }[];
}

/**
 * Draws pairs of an original and its decoded tokens, evenly spread over the images that are kept. The tokens are read from the
 * output, those of the first variant.
 */
export async function drawCheck(
  path: string,
  { set }: LabelledImages,
  crops: CropOptions,
  parts: PartFolder,
  decoder: ImageDecoder,
): Promise<TokenCheck> {
  const kept = [...parts.there.keys()].filter((i) => parts.there[i] === 1);
  const count = Math.min(shown, kept.length);
  const { size } = crops;
  const grid = new Grid(gridLayout(2 * count, 2 * Math.min(pairsInRow, count), size));
  const images: { name: string; psnr: number }[] = [];
  const [originals, decodeds] = [0, 0].map(() => new Uint8Array(count * 3 * size * size)) as [Uint8Array, Uint8Array];
  for (let i = 0; i < count; i++) {
    const image = kept[Math.floor((i * kept.length) / count)] as number;
    const tokens = Int32Array.from(toHostTensor(await parts.read(image, 'tokens')).data);
    const decoded = await decoder.decode(tokens.slice(0, tokens.length / variantsOf(crops)), 1);
    for await (const [first] of set.readCrops(image, 1, crops)) {
      if (first === undefined) continue;
      grid.draw(2 * i, { data: first.data, size });
      grid.draw(2 * i + 1, decoded);
      originals.set(first.data, i * first.data.length);
      decodeds.set(decoded.data, i * first.data.length);
      images.push({ name: set.nameOf(image), psnr: peakSignalToNoiseRatio(first.data, decoded.data) });
    }
  }
  await writeFileAtomic(path, grid.png());
  return { psnr: peakSignalToNoiseRatio(originals, decodeds), images };
}
