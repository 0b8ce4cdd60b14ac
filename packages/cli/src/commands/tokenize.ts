import { type CropOptions, formatColor, variantsOf } from '@dpar/images';
import { usualImageThreads } from '@dpar/images/node';
import { checkpointIdentity } from '@dpar/io/node';
import { ImageDecoder } from '@dpar/pipeline';
import { countThere, shareOf } from '@dpar/shards';
import { defineCommand } from '../command/command.js';
import { UsageError } from '../command/errors.js';
import { countOf, namesOf } from '../command/format.js';
import { interruptible } from '../command/interruptible.js';
import * as option from '../command/options.js';
import { formatRate } from '../command/progress.js';
import { takeShare } from '../command/share.js';
import { backgroundOption, readingOnto, skipDamagedOption, soundImages, withImageCheck } from '../images/options.js';
import { drawCheck } from '../tokenize/check.js';
import { classDigest, readClassList } from '../tokenize/class-list.js';
import { emptyClasses, labelledSound, openLabelledImages } from '../tokenize/labelled-images.js';
import { checkSource, openTokenParts, type TokenPlan } from '../tokenize/token-parts.js';
import { cropSettings, tokenizeImages } from '../tokenize/tokenize-images.js';
import { openTokenizer } from '../tokenizer.js';

export const tokenize = defineCommand({
  name: 'tokenize',
  summary: 'Tokenize images for training',
  details:
    'Input: a folder with one subfolder of images per class, or an ADM sample batch (.npz). Hidden files and ' +
    'system files (.git, @eaDir, __MACOSX, Thumbs.db) are skipped.\n\n' +
    'Classes: numbered by folder name in code point order, as in torchvision. Empty folders count. For validation ' +
    "data, pass the training data's classes.json as --classes-file.\n\n" +
    'Crops: the centre square; with --crop fit the whole image on a square of the colour of --background; with ' +
    "--crop ten LlamaGen's ten crops, five of them mirrored. --flip adds the mirror image to the first two. Image " +
    'files are rotated by their EXIF orientation. Transparent pixels get the colour of --background.\n\n' +
    'Output, for dpar train:\n' +
    "  --layout shards    safetensors files: 'tokens' [n, V, T] ([n, T] for one variant), 'labels' [n]\n" +
    '  --layout llamagen  <name>_codes/<i>.npy and <name>_labels/<i>.npy, as LlamaGen writes them\n\n' +
    'All images are checked before the first is tokenized.\n\n' +
    'Resume: run the same command again. The result has the same bytes as an uninterrupted run. To share the work ' +
    'between machines, run --shard 0/4 to --shard 3/4 with the same --output.',
  options: {
    tokenizer: option.required(option.folder, 'tokenizer'),
    input: option.required(option.path, 'folder with a subfolder of images for each class, or ADM batch .npz'),
    output: option.required(option.outputFolder, 'output folder of the tokens'),
    classesFile: option.optional(
      option.file,
      "classes by number: classes.json of other tokens, or a name on each line (default: the input's folders, in order)",
    ),
    size: option.optional(option.wholeNumber(1, 8192), "width of the crops in pixels (default: the tokenizer's)"),
    crop: option.optional(option.choice(['center', 'fit', 'ten']), 'crops of an image', 'center'),
    cropRange: option.optional(
      option.number({ from: 1, to: 4 }),
      'width of the square that ten crops are taken from, relative to the width of a crop',
      1.1,
    ),
    background: backgroundOption,
    skipDamaged: skipDamagedOption,
    flip: option.flag('add the mirrored crop; not with --crop ten'),
    layout: option.optional(option.choice(['shards', 'llamagen']), 'layout of the files', 'shards'),
    name: option.optional(option.file, 'prefix of the folder names, with --layout llamagen (default: images<size>)'),
    partSize: option.optional(
      option.wholeNumber(1, 1e6),
      'images per shard; an interruption loses at most one shard',
      256,
    ),
    tile: option.optional(
      option.wholeNumber(1, 8192),
      'width of a tile in pixels; larger crops are encoded in tiles',
      512,
    ),
    shard: option.optional(option.shard, 'tokenize only shard I of N, from 0/N to (N - 1)/N'),
    check: option.optional(option.outputFile, 'PNG file that shows some images beside their decoded tokens'),
  },
  run: async (values, context) => {
    const { input, output, layout, name, partSize, check } = values;
    const share = takeShare(values.shard, context) ?? { index: 0, count: 1 };
    if (values.crop === 'ten' && values.flip) {
      throw new UsageError(
        '--flip: expected --crop center or fit with it, got ten, which already adds mirrored crops. Leave --flip out.',
      );
    }
    if (name !== undefined && layout !== 'llamagen')
      throw new UsageError('--name: expected --layout llamagen with it, got shards. Leave --name out.');
    if (check !== undefined && !/\.png$/i.test(check)) {
      throw new UsageError(`--check: expected a path that ends in .png, got '${check}'.`);
    }
    const list = values.classesFile === undefined ? undefined : await readClassList(values.classesFile);
    const reading = readingOnto(values.background);
    const threads = context.threads === undefined ? usualImageThreads() : Math.ceil(context.threads / 2);
    const all = await openLabelledImages(input, reading, list, threads);
    const { ignored } = all.set;
    if (ignored.length > 0) context.note(`${input}: no images, and left out: ${namesOf(ignored)}`);
    const sound = await soundImages(all.set, values.skipDamaged, reading, context);
    const images = sound ? labelledSound(all, sound) : all;
    const { set, labels, classes } = images;
    const empty = emptyClasses(images);
    if (empty.length > 0) context.note(`${input}: no images of ${namesOf(empty)}, whose class numbers stay`);
    const engine = await context.engine();
    const tokenizer = await openTokenizer(values.tokenizer, engine, { tilePixels: values.tile });
    const { size = tokenizer.imageSize, crop, flip, cropRange } = values;
    if (size % tokenizer.factor !== 0) {
      throw new UsageError(`--size: expected a multiple of ${tokenizer.factor}, the pixels of a token, got ${size}.`);
    }
    const crops: CropOptions = { crop, flip, size, cropRange, background: reading.background };
    const [V, T] = [variantsOf(crops), (size / tokenizer.factor) ** 2];
    const plan: TokenPlan = {
      output,
      images: set.count,
      variants: V,
      tokensPerImage: T,
      partImages: partSize,
      source: images,
      llamaGenName: layout === 'llamagen' ? (name ?? `images${size}`) : undefined,
      ours: shareOf(set.count, share, partSize),
      settings: {
        images: set.identity,
        count: set.count,
        classes: classes === undefined ? null : classDigest(classes),
        tokenizer: await checkpointIdentity(values.tokenizer),
        ...cropSettings(crops),
        background: formatColor(reading.background),
        tile: size > values.tile ? values.tile : null,
        layout,
        part_size: partSize,
      },
    };
    await checkSource(plan, input);
    const parts = await openTokenParts(plan);
    const begin = performance.now();
    const tokenized = await interruptible('tokenize', output, context, (onProgress) =>
      withImageCheck(input, reading, context, ({ onCheck }) =>
        tokenizeImages({ tokenizer, crops, plan, parts }, onProgress, { onCheck, signal: context.signal }),
      ),
    );
    const seconds = (performance.now() - begin) / 1000;
    const checked =
      check === undefined ? undefined : await drawCheck(check, images, crops, parts, new ImageDecoder(tokenizer, T));
    await set.close();
    const { count } = plan.ours;
    const missing = set.count - countThere(parts.there);
    const rate = tokenized > 0 ? (tokenized * V) / seconds : undefined;
    const lines = [
      `${T} tokens of ${countOf(count, 'image')}${V > 1 ? ` in ${V} variants` : ''} in ${output}, ${tokenized} tokenized` +
        (rate === undefined ? '' : ` in ${seconds.toFixed(1)} s: ${formatRate(rate)} crops/s`),
      ...(missing > 0 ? [`${countOf(missing, 'image')} of ${set.count} are left to other parts`] : []),
      ...(checked
        ? [`PSNR ${checked.psnr.toFixed(2)} dB of ${countOf(checked.images.length, 'image')} in ${check}`]
        : []),
    ];
    return {
      data: {
        images: count,
        tokenized,
        missing,
        variants: V,
        tokens_per_image: T,
        classes: classes?.length ?? new Set(labels).size,
        seconds,
        crops_per_second: rate ?? null,
        engine: engine.name,
        output,
        ignored_files: ignored,
        empty_classes: empty,
        skipped_files: sound?.skipped.map(({ name }) => name) ?? [],
        ...(checked && { check: { path: check, psnr: checked.psnr, images: checked.images } }),
      },
      text: lines.join('\n'),
    };
  },
});
