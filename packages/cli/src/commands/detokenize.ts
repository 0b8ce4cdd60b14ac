import { createHash } from 'node:crypto';
import { isWord, shownName } from '@dpar/io';
import { type ClassNames, checkpointIdentity, formatDigest } from '@dpar/io/node';
import { ImageDecoder } from '@dpar/pipeline';
import { runSharded } from '@dpar/shards';
import { createDiskSource, type DiskSource, findTokenLayout, readClassNames } from '@dpar/train/node';
import { defineCommand } from '../command/command.js';
import { CommandError, UsageError } from '../command/errors.js';
import { countOf } from '../command/format.js';
import { interruptible } from '../command/interruptible.js';
import * as option from '../command/options.js';
import { outputKind } from '../command/output-place.js';
import { formatRate } from '../command/progress.js';
import { takeShare } from '../command/share.js';
import { createSampleWriter } from '../sample/create-writer.js';
import { imagesOfShard, type SamplePlan } from '../sample/plan.js';
import { classDigest } from '../tokenize/class-list.js';
import { openTokenizer } from '../tokenizer.js';

/** Images that are decoded, and kept, together. */
const batchSize = 16;

/** Images whose tokens are read at a time. */
const readImages = 4096;

export const detokenize = defineCommand({
  name: 'detokenize',
  summary: 'Decode tokens to images',
  details:
    "Input: tokens of square images, from dpar tokenize or LlamaGen's extraction script.\n\n" +
    'The ending of --output determines the format:\n' +
    '  .png    a grid\n' +
    '  .npz    an ADM sample batch: images arr_0 and labels arr_1\n' +
    '  others  a folder of PNG files, with one subfolder per class\n\n' +
    'Subfolders have the names of the classes if dpar tokenize wrote them beside the tokens, otherwise their ' +
    'numbers.\n\n' +
    'Resume: run the same command again. The result has the same bytes as an uninterrupted run.',
  options: {
    tokenizer: option.required(option.folder, 'tokenizer'),
    input: option.required(option.path, 'tokens: safetensors file or folder'),
    output: option.required(option.outputPath('ending'), 'output: *.png, *.npz or a folder'),
    variant: option.optional(option.wholeNumber(0), 'variant of each image, from 0 on', 0),
    tile: option.optional(
      option.wholeNumber(1, 8192),
      'width of a tile in pixels; larger images are decoded in tiles',
      512,
    ),
    shard: option.optional(option.shard, 'decode only shard I of N, from 0/N to (N - 1)/N'),
  },
  run: async (values, context) => {
    const { input, output, variant, tile } = values;
    const share = takeShare(values.shard, context);
    const shard = share ?? { index: 0, count: 1 };
    const kind = outputKind(output);
    if (kind === 'safetensors') {
      throw new UsageError(`--output: expected *.png, *.npz or a folder, got '${output}'.`);
    }
    const source = createDiskSource(await findTokenLayout(input));
    const { images: N, variants: V, tokensPerImage: T } = source;
    if (variant >= V) throw new UsageError(`--variant: expected 0 to ${V - 1} for '${input}', got ${variant}.`);
    const { start: first, count } = imagesOfShard(N, shard);
    if (!Number.isInteger(Math.sqrt(T))) {
      throw new CommandError(
        `expected tokens of square images in '${input}', got ${T} an image. Decode them with @dpar/tokenizer.`,
      );
    }
    const engine = await context.engine();
    const tokenizer = await openTokenizer(values.tokenizer, engine, { tilePixels: tile });
    const decoder = new ImageDecoder(tokenizer, T);
    const { labels, digest } = await readLabels(source, variant, context.signal);
    const classes = await readClassNames(input);
    const folders = foldersOf(labels, classes);
    const ours = labels.subarray(first, first + count);
    const plan: SamplePlan = {
      output,
      kind,
      first,
      total: N,
      labels: ours,
      tokensPerImage: T,
      classes: new Set(labels).size,
      ...(kind === 'folder' && {
        subfolders: Array.from(ours, (label) => shownName(folders[label] as string)),
        folders: folders.filter((name) => !isWord(name)),
      }),
      settings: {
        tokens: digest,
        tokenizer: await checkpointIdentity(values.tokenizer),
        tile: decoder.imageSize > tile ? tile : null,
        ...(kind === 'folder' && classes && { class_names: classDigest(classes.names) }),
      },
      share: { count: N, shard: `${shard.index}/${shard.count}` },
      isShard: share !== undefined,
    };
    const writer = await createSampleWriter(plan, decoder);
    const begin = performance.now();
    const { signal } = context;
    const made = await interruptible('detokenize', writer.kept, context, (onProgress) =>
      runSharded({
        store: writer,
        partSize: batchSize,
        async *make({ parts }) {
          for (const { start, count } of parts) {
            const { tokens } = await loadRange(source, first + start, count, variant);
            yield { tokens: tokens.data, patchLengths: new Int32Array() };
          }
        },
        finish: () => writer.finish(signal),
        onProgress,
        signal,
      }),
    );
    const seconds = (performance.now() - begin) / 1000;
    const rate = made > 0 ? made / seconds : undefined;
    const speed = rate === undefined ? '' : ` in ${seconds.toFixed(1)} s: ${formatRate(rate)} images/s`;
    return {
      data: {
        images: ours.length,
        decoded: made,
        image_size: decoder.imageSize,
        seconds,
        images_per_second: rate ?? null,
        engine: engine.name,
        output,
      },
      text: `${countOf(ours.length, 'image')} in ${output}, ${made} decoded${speed}`,
    };
  },
});

/** Reads the labels of all images, and a digest of them and of the tokens of a variant. */
async function readLabels(source: DiskSource, variant: number, signal: AbortSignal) {
  const hash = createHash('sha256');
  const labels = new Int32Array(source.images);
  for (let first = 0; first < source.images; first += readImages) {
    signal.throwIfAborted();
    const batch = await loadRange(source, first, Math.min(readImages, source.images - first), variant);
    // [B], or [B, W] with prompts, which begin with the class.
    const W = batch.labels.data.length / (batch.labels.shape[0] ?? 1);
    labels.set(
      batch.labels.data.filter((_, i) => i % W === 0),
      first,
    );
    hash.update(batch.tokens.data).update(batch.labels.data);
  }
  return { labels, digest: formatDigest(hash) };
}

function loadRange(source: DiskSource, first: number, count: number, variant: number) {
  const images = Int32Array.from({ length: count }, (_, i) => first + i);
  return source.load(images, new Int32Array(count).fill(variant));
}

/** Most classes without names; a larger label is an error. */
const mostClasses = 1_000_000;

/**
 * Names the folder of each class, also of classes without images. Numbering the folders then gives the same labels. The
 * name is that of the class, or its number, padded to the digits of the largest so that folders sort by number.
 * @throws CommandError for labels outside the classes.
 */
function foldersOf(labels: Int32Array, classes: ClassNames | undefined): readonly string[] {
  const count = classes?.names.length ?? mostClasses;
  const outside = labels.find((label) => label < 0 || label >= count);
  if (outside !== undefined) {
    const listed = classes === undefined ? '' : `, as '${classes.path}' lists classes`;
    throw new CommandError(
      `expected labels from 0 to ${count - 1}${listed}, got ${outside}. Correct the list or the labels.`,
    );
  }
  if (classes !== undefined) return classes.names;
  const largest = labels.reduce((most, label) => Math.max(most, label), 0);
  return Array.from({ length: largest + 1 }, (_, label) => String(label).padStart(String(largest).length, '0'));
}
