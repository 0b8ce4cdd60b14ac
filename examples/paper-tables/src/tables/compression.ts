import { type Correlation, correlateIndependent } from '@dpar/entropy';
import sharp from 'sharp';
import { imagesOf } from '../features/feature-network.js';
import { patchedData, patchesOfImages } from '../lab/models.js';
import { paperPngCorrelation } from '../paper/tables.js';
import { ownEntropy } from '../recipes.js';
import { tableOf } from './table.js';

/** Section 1.8: patches of an image and its size as PNG. */
export const compression = tableOf(
  () => [{ entropies: [ownEntropy] }],
  async (lab) => {
    const data = await patchedData(lab, ownEntropy);
    const parts = (['train', 'validation'] as const).map((part) => ({
      counts: patchesOfImages(data, part).map((lengths) => lengths.length),
      images: imagesOf(data.grid[part].pixels, 64),
    }));
    const images = parts.flatMap((part) => part.images);
    const work = { kind: 'png', name: 'Sizes as PNG', total: images.length, cost: 2e-3 * images.length };
    const digests = (['train', 'validation'] as const).map((part) => data.grid[part].digest);
    const bytes = await lab.work.json(work, { digests, sharp: sharp.versions }, async (progress) => {
      const sizes: number[] = [];
      for (const { data: pixels, width, height } of images) {
        const png = sharp(pixels, { raw: { width, height, channels: 3 } }).png({
          compressionLevel: 9,
          adaptiveFiltering: true,
        });
        sizes.push((await png.toBuffer()).length);
        progress.update(sizes.length);
      }
      return sizes;
    });
    const counts = parts.flatMap((part) => part.counts);
    const trained = parts[0]?.counts.length ?? 0;
    const all = correlateIndependent(counts, bytes);
    const unseen = correlateIndependent(counts.slice(trained), bytes.slice(trained));
    const row = (name: string, { correlation, low, high, count }: Correlation) => [
      name,
      `${count}`,
      correlation.toFixed(2),
      `${low.toFixed(2)} to ${high.toFixed(2)}`,
    ];
    const holdsPaper = all.low <= paperPngCorrelation && paperPngCorrelation <= all.high;
    return {
      title: 'Patches and compressed size',
      basis: 'scaled',
      about: [
        "Pearson's correlation of the number of patches of each of Google's emoji (64 px, 256 tokens; the entropy model of this example) with the bytes " +
          "of the image as a PNG file (8-bit RGB on white, adaptive filters, zlib level 9). The interval is Fisher's, of independent images.",
      ],
      tables: [
        {
          head: ['Images', 'number', 'p-corr', 'interval of 95 %'],
          rows: [
            ['ImageNet, paper', '', paperPngCorrelation.toFixed(2), ''],
            row('all emoji', all),
            row('those that the entropy model has not seen', unseen),
          ],
        },
      ],
      charts: [
        {
          title: 'Patches against PNG size, each emoji a point',
          xLabel: 'bytes as PNG',
          yLabel: 'patches',
          series: [
            {
              name: 'emoji',
              style: 'one',
              joined: false,
              points: counts.map((count, i) => [bytes[i] as number, count] as const),
            },
          ],
        },
      ],
      findings: [
        {
          agrees: all.low <= 0 ? false : holdsPaper || undefined,
          text: `The more bytes, the more patches: correlation ${all.correlation.toFixed(2)} (${all.low.toFixed(2)} to ${all.high.toFixed(2)}), in the paper ${paperPngCorrelation}.`,
        },
      ],
    };
  },
);
