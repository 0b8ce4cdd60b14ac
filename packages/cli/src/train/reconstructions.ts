import { writeFileAtomic } from '@dpar/io/node';
import { Grid, gridLayout } from '@dpar/pipeline';
import type { Engine } from '@dpar/tensor';
import { bytesFromImages, createTokenizer } from '@dpar/tokenizer';
import { picturesToImages, type TokenizerTrainConfig, tokenizerFromSettings } from '@dpar/train';
import { picturesToShow } from '@dpar/train/node';
import { type SampleGrids, samplePath } from './samples.js';

/** Most pairs of pictures in a row of a grid. */
const pairsInRow = 4;

/** Draws grids of pictures, each beside its reconstruction, while a tokenizer trains. */
export async function prepareReconstructions(
  config: TokenizerTrainConfig,
  engine: Engine,
): Promise<SampleGrids | undefined> {
  const { samples, steps, output } = config;
  if (samples === undefined) return undefined;
  const { every, count } = samples;
  const architecture = tokenizerFromSettings(config.model);
  const { imageSize: size } = architecture.config;
  const pictures = await picturesToShow(config, count);
  const shown = Math.min(count, pictures.images.length);
  const layout = gridLayout(2 * shown, 2 * Math.min(pairsInRow, shown), size);
  return {
    isDue: (step) => step % every === 0 || step === steps,
    async draw(step, parameters, signal) {
      const tokenizer = createTokenizer(engine, { ...architecture, parameters });
      const grid = new Grid(layout);
      try {
        const codes = await tokenizer.encode(picturesToImages(pictures));
        signal.throwIfAborted();
        const decoded = bytesFromImages(await tokenizer.decode(codes));
        const bytes = 3 * size * size;
        for (let i = 0; i < shown; i++) {
          for (const [k, source] of [pictures.pixels, decoded].entries()) {
            grid.draw(2 * i + k, { data: source.subarray(i * bytes, (i + 1) * bytes), size });
          }
        }
      } finally {
        await tokenizer.dispose();
      }
      const path = samplePath(output, step);
      await writeFileAtomic(path, grid.png());
      return path;
    },
  };
}
