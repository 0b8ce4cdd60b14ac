import { variantsOf } from '@dpar/images';
import { shareOf } from '@dpar/shards';
import { createReferenceEngine } from '@dpar/tensor';
import { openLabelledImages } from '../tokenize/labelled-images.js';
import { openTokenParts } from '../tokenize/token-parts.js';
import { tokenizeImages } from '../tokenize/tokenize-images.js';
import { openTokenizer } from '../tokenizer.js';

/** A program that tokenizes images as `dpar tokenize` does, to be killed: TOKENIZER INPUT OUTPUT LAYOUT INDEX COUNT. */
const [folder = '', input = '', output = '', layout, index, count] = process.argv.slice(2);
const images = await openLabelledImages(input, {});
const tokenizer = await openTokenizer(folder, createReferenceEngine());
const crops = { crop: 'center', flip: true, size: tokenizer.imageSize, cropRange: 1 } as const;
const plan = {
  output,
  images: images.set.count,
  variants: variantsOf(crops),
  tokensPerImage: tokenizer.gridSize ** 2,
  partImages: 8,
  settings: { images: images.set.identity, layout: layout ?? '' },
  llamaGenName: layout === 'llamagen' ? 'tiny' : undefined,
  source: { ...images, classes: ['a', 'b', 'c'] },
  ours: shareOf(images.set.count, { index: Number(index), count: Number(count) }, 8),
};
const parts = await openTokenParts(plan);
await tokenizeImages({ tokenizer, crops, plan, parts }, () => {}, { signal: new AbortController().signal });
