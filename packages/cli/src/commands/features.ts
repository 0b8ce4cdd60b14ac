import { defaultPartImages, extractParts, extractToFile, openEvaluationSet, partsFolder } from '@dpar/eval/node';
import { defineCommand } from '../command/command.js';
import { CommandError, UsageError } from '../command/errors.js';
import { countOf, namesOf } from '../command/format.js';
import { interruptible } from '../command/interruptible.js';
import { optional, outputPath, path, required, shard as shardOption, wholeNumber } from '../command/options.js';
import { outputKind } from '../command/output-place.js';
import { formatRate } from '../command/progress.js';
import { takeShare } from '../command/share.js';
import { loadFeatureNetwork, networkOptions, networkRemedy } from '../images/feature-network.js';
import { skipDamagedOption, soundImages, withImageCheck } from '../images/options.js';

export const features = defineCommand({
  name: 'features',
  summary: 'Compute features of images for dpar eval',
  details:
    "Output for a path that ends in .npz: pool [N, D] and logits in float32, and ADM's statistics mu, sigma, mu_s " +
    'and sigma_s. Any other path is a folder of parts with checksums. dpar eval reads both.\n\n' +
    'Resume: run the same command again. The result has the same bytes as an uninterrupted run. To share the work ' +
    'between machines, run --shard 0/4 to --shard 3/4 with the same --output.',
  options: {
    images: required(path, 'folder of images, or ADM sample batch .npz'),
    ...networkOptions,
    output: required(outputPath('ending'), 'output: *.npz or a folder'),
    shard: optional(shardOption, 'compute only shard I of N, into a folder'),
    skipDamaged: skipDamagedOption,
    batchSize: optional(wholeNumber(1, 4096), 'images per batch', 32),
    partSize: optional(wholeNumber(1, 1e6), 'images per part, for a folder', defaultPartImages),
  },
  run: async ({ images: input, features: file, output, shard, batchSize, partSize, skipDamaged, ...how }, context) => {
    const share = takeShare(shard, context);
    const kind = outputKind(output);
    if (kind !== 'npz' && kind !== 'folder') {
      throw new UsageError(`--output: expected a path that ends in .npz, or a folder, got '${output}'.`);
    }
    if (share !== undefined && kind !== 'folder') {
      throw new UsageError(`--shard ${share.index}/${share.count}: expected a folder as --output, got '${output}'.`);
    }
    if (file === undefined) throw new UsageError(`expected --features FILE, got none. ${networkRemedy}`);
    const { images: all } = await openEvaluationSet(input);
    if (all === undefined) {
      throw new CommandError(`--images: expected images in '${input}', got features or statistics. Pass images.`);
    }
    if (all.ignored.length > 0) context.note(`${input}: no images, and left out: ${namesOf(all.ignored)}`);
    const network = await loadFeatureNetwork(file, how, context);
    const begin = performance.now();
    const { reading = {} } = network;
    try {
      const sound = await soundImages(all, skipDamaged, reading, context);
      const images = sound?.set ?? all;
      const place = kind === 'folder' ? output : partsFolder(output);
      const { count, extracted } = await interruptible('features', place, context, (onProgress) =>
        withImageCheck(input, reading, context, async (check) => {
          const options = { batchSize, onProgress, ...check };
          if (kind === 'npz') {
            const { extracted } = await extractToFile(output, images, network, options);
            return { count: images.count, extracted };
          }
          const done = await extractParts(output, images, network, { ...options, share, partImages: partSize });
          return { count: done.images, extracted: done.extracted };
        }),
      );
      const seconds = (performance.now() - begin) / 1000;
      const rate = extracted > 0 ? extracted / seconds : undefined;
      const speed = rate === undefined ? '' : ` in ${seconds.toFixed(1)} s: ${formatRate(rate)} images/s`;
      return {
        data: {
          images: count,
          extracted,
          seconds,
          images_per_second: rate ?? null,
          network: network.name,
          resize: network.resize,
          output,
          ignored_files: images.ignored,
          skipped_files: sound?.skipped.map(({ name }) => name) ?? [],
        },
        text: `features of ${countOf(count, 'image')} in ${output}, ${extracted} computed${speed}`,
      };
    } finally {
      await network.dispose();
    }
  },
});
