import { checkpointIdentity } from '@dpar/io/node';
import { countThere, shareOf } from '@dpar/shards';
import { defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import {
  backgroundOption,
  formatColor,
  readingOnto,
  skipDamagedOption,
  soundImages,
  withImageCheck,
} from '../image-options.js';
import { interruptible } from '../interruptible.js';
import { takeShare } from '../machine-share.js';
import * as option from '../options.js';
import { formatRate } from '../progress.js';
import { ImageDecoder } from '../sample/decode.js';
import { countOf, namesOf } from '../table.js';
import { drawCheck } from '../tokenize/check.js';
import { classDigest, readClassList } from '../tokenize/class-list.js';
import { type CropOptions, variantsOf } from '../tokenize/crops.js';
import { emptyClasses, labelledSound, openLabelledImages } from '../tokenize/labelled-images.js';
import { checkSource, openTokenParts, type TokenPlan } from '../tokenize/token-parts.js';
import { cropSettings, tokenizeImages } from '../tokenize/tokenize-images.js';
import { openTokenizer } from '../tokenizer.js';

export const tokenize = defineCommand({
  name: 'tokenize',
  summary: 'tokens of images, for training',
  details:
    'Input: a folder with the images of each class in a subfolder, classes numbered in the order of their names by code ' +
    'point as torchvision does, also those without images, or an ADM batch (.npz). With images of the same classes that lie ' +
    'elsewhere, such as validation data, pass --classes-file of the first. Hidden entries, and those that systems make (such ' +
    "as .git, @eaDir, __MACOSX, Thumbs.db) are left out. Output: a folder of shards, safetensors with 'tokens' [n, V, T] ([n, T] for one variant) and 'labels' " +
    '[n], or with --layout llamagen <name>_codes/<i>.npy and <name>_labels/<i>.npy as LlamaGen extracts them. dpar train ' +
    'reads both. Images are cropped as there: the middle square (--flip: and its mirror image), or ten crops of a larger ' +
    'square, of which five are mirrored. Image files are turned upright as their EXIF orientation says, put on ' +
    '--background where they are transparent, and all checked before the first is tokenized.\n\nThe same command goes on where an earlier run was interrupted, and gives the ' +
    'same bytes. Several machines can make one part each in the same folder: --shard 0/4 to --shard 3/4.',
  options: {
    tokenizer: option.required(option.folder, 'tokenizer'),
    input: option.required(option.path, 'folder of images, one class a subfolder, or ADM batch .npz'),
    output: option.required(option.outputFolder, 'where to write the tokens'),
    classesFile: option.optional(
      option.file,
      "all classes by number: classes.json of other tokens, or a name a line (default: the input's folders, in order)",
    ),
    size: option.optional(option.wholeNumber(1, 8192), "width of the crops in pixels (default: the tokenizer's)"),
    crop: option.optional(option.choice(['center', 'ten']), 'which crops', 'center'),
    cropRange: option.optional(
      option.number({ from: 1, to: 4 }),
      'width of the square that ten crops are taken from, in widths of a crop',
      1.1,
    ),
    background: backgroundOption,
    skipDamaged: skipDamagedOption,
    flip: option.flag('with --crop center: the mirrored crop too'),
    layout: option.optional(option.choice(['shards', 'llamagen']), 'files to write', 'shards'),
    name: option.optional(option.file, 'with --layout llamagen: what its folders begin with (default: images<size>)'),
    partSize: option.optional(option.wholeNumber(1, 1e6), 'images of a shard; what an interruption loses at most', 256),
    tile: option.optional(
      option.wholeNumber(1, 8192),
      'larger crops are encoded in tiles of this width, in pixels',
      512,
    ),
    shard: option.optional(option.shard, 'tokenizes part I of N alone'),
    check: option.optional(option.outputFile, 'PNG file for some images beside what their tokens are decoded to'),
  },
  run: async (values, context) => {
    const { input, output, layout, name, partSize, check } = values;
    const share = takeShare(values.shard, context) ?? { index: 0, count: 1 };
    if (values.crop === 'ten' && values.flip) {
      throw new UsageError('--flip: expected --crop center with it, got ten, of which five are mirrored already.');
    }
    if (name !== undefined && layout !== 'llamagen')
      throw new UsageError('--name: expected --layout llamagen with it.');
    if (check !== undefined && !/\.png$/i.test(check)) {
      throw new UsageError(`--check: expected a path that ends in .png, got '${check}'.`);
    }
    const list = values.classesFile === undefined ? undefined : await readClassList(values.classesFile);
    const reading = readingOnto(values.background);
    const all = await openLabelledImages(input, reading, list);
    const { ignored } = all.set;
    if (ignored.length > 0) context.note(`${input}: no images, and left out: ${namesOf(ignored)}`);
    const sound = await soundImages(all.set, values.skipDamaged, reading, context);
    const images = sound ? labelledSound(all, sound) : all;
    const { set, labels, classes } = images;
    const empty = emptyClasses(images);
    if (empty.length > 0) context.note(`${input}: no images of ${namesOf(empty)}, which keep their class numbers`);
    const engine = await context.engine();
    const tokenizer = await openTokenizer(values.tokenizer, engine, { tilePixels: values.tile });
    const { size = tokenizer.imageSize, crop, flip, cropRange } = values;
    if (size % tokenizer.factor !== 0) {
      throw new UsageError(`--size: expected a multiple of ${tokenizer.factor}, the pixels of a token, got ${size}.`);
    }
    const crops: CropOptions = { crop, flip, size, cropRange };
    const [V, T] = [variantsOf(crops), (size / tokenizer.factor) ** 2];
    const plan: TokenPlan = {
      ...{ output, images: set.count, variants: V, tokensPerImage: T, partImages: partSize, source: images },
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
    const { count } = plan.ours;
    const missing = set.count - countThere(parts.there);
    const rate = tokenized > 0 ? (tokenized * V) / seconds : undefined;
    const lines = [
      `${T} tokens of ${countOf(count, 'image')}${V > 1 ? ` in ${V} variants` : ''} in ${output}, ${tokenized} tokenized` +
        (rate === undefined ? '' : ` in ${seconds.toFixed(1)} s: ${formatRate(rate)} crops/s`),
      ...(missing > 0 ? [`${countOf(missing, 'image')} of ${set.count} are still to be made by other parts`] : []),
      ...(checked
        ? [`PSNR ${checked.psnr.toFixed(2)} dB of ${countOf(checked.images.length, 'image')} in ${check}`]
        : []),
    ];
    return {
      data: {
        ...{
          images: count,
          tokenized,
          missing,
          variants: V,
          tokens_per_image: T,
          classes: classes?.length ?? new Set(labels).size,
        },
        ...{ seconds, crops_per_second: rate ?? null, engine: engine.name, output },
        ...{ ignored_files: ignored, empty_classes: empty },
        skipped_files: sound?.skipped.map(({ name }) => name) ?? [],
        ...(checked && { check: { path: check, psnr: checked.psnr, images: checked.images } }),
      },
      text: lines.join('\n'),
    };
  },
});
