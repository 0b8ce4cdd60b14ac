import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@dpar/io/node';
import { heatMap, toPng } from '@dpar/report';
import { sizeOfSet } from '@dpar/train';
import { writeTokenSet } from '@dpar/train/node';
import { defineCommand } from '../command.js';
import { computeEntropies } from '../entropies.js';
import { file, folder, optional, required, wholeNumber } from '../options.js';
import { countOf } from '../table.js';

/** Width of a token in a picture, in pixels. */
const cell = 16;

export const entropy = defineCommand({
  name: 'entropy',
  summary: 'entropies of image tokens under an entropy model',
  details:
    "The output has the input's 'tokens' [N, T] and 'labels' [N], and 'entropies' [N, T - 1] in nats: entry j belongs to the " +
    'prediction of token j + 1. It is what DPAR models are trained on. Pictures go from dark (0) to light (ln V, no idea).',
  options: {
    checkpoint: required(folder, 'entropy model'),
    input: required(file, 'tokens, safetensors'),
    output: required(file, 'where to write the entropies, safetensors'),
    png: optional(folder, 'folder for a picture of each image'),
    batchSize: optional(wholeNumber(1, 4096), 'images at a time', 16),
  },
  run: async ({ checkpoint, input, output, png, batchSize }, context) => {
    const { set, config, seconds } = await computeEntropies({ checkpoint, input, batchSize }, context);
    await writeTokenSet(output, set);
    const { images } = sizeOfSet(set);
    const values = set.entropies.data;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    if (png !== undefined) {
      await mkdir(png, { recursive: true });
      const predicted = values.length / images;
      for (let i = 0; i < images; i++) {
        const path = join(png, `${String(i).padStart(6, '0')}.png`);
        const map = values.subarray(i * predicted, (i + 1) * predicted);
        // The first token has no entropy.
        await writeFileAtomic(path, toPng(heatMap([undefined, ...map], Math.log(config.vocabSize), cell)));
      }
    }
    return {
      data: { images, mean_entropy: mean, seconds, output, png: png ?? null },
      text: `entropies of ${countOf(images, 'image')} in ${output}, mean ${mean.toFixed(4)} nats`,
    };
  },
});
