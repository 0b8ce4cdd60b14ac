import { type Correlation, correlateGroups, correlateIndependent } from '@dpar/entropy';
import { openEvaluationSet } from '@dpar/eval/node';
import { type PatchingOptions, patchLengths } from '@dpar/patchify';
import type { Context } from '../command/command.js';
import { defineCommand, type Result } from '../command/command.js';
import { CommandError, UsageError } from '../command/errors.js';
import { countOf, finiteOrNull, formatFixed, formatList, namesOf } from '../command/format.js';
import { file, number, optional, path, type Values, wholeNumber } from '../command/options.js';
import { encodings, measureImages } from '../correlate/png-size.js';
import { readTokenRows, type TokenRows } from '../correlate/token-rows.js';
import { backgroundOption, readingOnto, skipDamagedOption, soundImages } from '../images/options.js';

const options = {
  entropies: optional(file, "entropies: 'entropies' [N, T] of a .safetensors file, or .npy"),
  against: optional(file, 'entropies of the same tokens from the other model'),
  images: optional(path, 'images: folder, .npz or .npy'),
  patchLengths: optional(file, "patch lengths: 'patch_lengths' [N, M] padded with zeros"),
  threshold: optional(number(), 'entropy in nats above which a token starts a patch'),
  maxPatchLength: optional(wholeNumber(1), 'largest number of tokens in a patch', 4),
  rowLength: optional(wholeNumber(1), 'tokens in a row of the image (default: the side of the square grid)'),
  level: optional(number({ above: 0, to: 0.999999 }), 'level of the confidence interval', 0.95),
  resamples: optional(wholeNumber(2, 1_000_000), 'resamples of the bootstrap', 2000),
  seed: optional(wholeNumber(0), 'seed of the bootstrap', 0),
  background: backgroundOption,
  skipDamaged: skipDamagedOption,
};

type CorrelateValues = Values<typeof options>;

export const correlate = defineCommand({
  name: 'correlate',
  summary: 'Correlate two sets of entropies, or patch counts with PNG sizes',
  details:
    'Entropy maps, with --entropies A --against B: correlation of two entropy models over all tokens (p-corr of ' +
    'Tables S4 and S5). Both files must have entropies of the same tokens. The confidence interval is a bootstrap ' +
    'over whole images, because tokens of an image are not independent.\n\n' +
    'Patches and PNG sizes, with --images and either --patch-lengths or --entropies and --threshold: correlation ' +
    'of the number of patches of an image with its size as PNG (supplement, 1.8). The confidence interval is ' +
    "Fisher's, for independent images. Rows of the file must be in the order of the image paths.\n\n" +
    'The size is that of the file if all images are PNG files. Otherwise the upright images are encoded as PNG ' +
    '(filters by least sum of absolute differences, zlib level 9).\n\n' +
    'Files are .safetensors from dpar entropy or dpar sample, or .npy [N, T].',
  options,
  run: (values, context) =>
    values.images === undefined ? correlateMaps(values) : correlateSizes(values, values.images, context),
});

async function correlateMaps({ entropies, against, level, resamples, seed }: CorrelateValues): Promise<Result> {
  if (entropies === undefined || against === undefined) {
    throw new UsageError('expected --entropies A --against B, or --images PATH, got neither.');
  }
  const [a, b] = [await readTokenRows(entropies, 'entropies'), await readTokenRows(against, 'entropies')];
  if (a.images !== b.images || a.length !== b.length) {
    throw new CommandError(
      `expected entropies of the same tokens, got [${a.images}, ${a.length}] in '${entropies}' and ` +
        `[${b.images}, ${b.length}] in '${against}'. Compute both from one file of tokens.`,
    );
  }
  const { tokens } = b;
  if (tokens !== undefined && a.tokens?.some((token, i) => token !== tokens[i])) {
    throw new CommandError(
      `expected entropies of the same tokens, got different tokens in '${entropies}' and '${against}'. ` +
        'Compute both from one file of tokens.',
    );
  }
  const found = correlateGroups(a.data, b.data, a.length, { level, resamples, seed });
  return {
    data: { ...dataOf(found), images: a.images, tokens: a.data.length, resamples, interval: 'bootstrap over images' },
    text: formatList([
      ['correlation', textOf(found)],
      ['interval', `bootstrap over images, ${resamples} resamples`],
      ['of', `${a.data.length} entropies of ${countOf(a.images, 'image')}`],
    ]),
  };
}

async function correlateSizes(values: CorrelateValues, images: string, context: Context): Promise<Result> {
  const { counts, what } = await patchCounts(values);
  const all = (await openEvaluationSet(images)).images;
  if (all === undefined) throw new CommandError(`expected images in '${images}', got none. Pass a folder of images.`);
  const reading = readingOnto(values.background);
  const sound = await soundImages(all, values.skipDamaged, reading, context);
  const set = sound?.set ?? all;
  if (all.ignored.length > 0)
    context.note(`${images}: files left out because they are no images: ${namesOf(all.ignored)}`);
  if (set.count !== counts.length) {
    throw new CommandError(
      `expected as many images in '${images}' as rows in ${what}, got ${set.count} and ${counts.length}. Pass the images of these rows.`,
    );
  }
  const { bytes, encoding } = await measureImages(set, reading, context);
  const found = correlateIndependent(counts, bytes, { level: values.level });
  const mean = (numbers: Float64Array): number => numbers.reduce((a, b) => a + b) / numbers.length;
  return {
    data: {
      ...dataOf(found),
      images: set.count,
      skipped_files: sound?.skipped.map(({ name }) => name) ?? [],
      mean_patches: mean(counts),
      mean_png_bytes: mean(bytes),
      png_sizes: encodings[encoding],
      interval: "Fisher's z",
      ignored_files: set.ignored,
    },
    text: formatList([
      ['correlation', textOf(found)],
      ['interval', "Fisher's z, of independent images"],
      ['images', `${set.count}`],
      ['patches', `${mean(counts).toFixed(2)} an image`],
      ['PNG size', `${Math.round(mean(bytes))} bytes an image; ${encodings[encoding]}`],
    ]),
  };
}

/** Number of patches of each image, and the file that it comes from. */
async function patchCounts(values: CorrelateValues): Promise<{ counts: Float64Array; what: string }> {
  const { patchLengths: lengths, entropies, threshold, against } = values;
  if ((lengths === undefined) === (entropies === undefined) || against !== undefined) {
    throw new UsageError('--images: expected --patch-lengths, or --entropies and --threshold. Pass one of the two.');
  }
  if (lengths !== undefined) {
    const rows = await readTokenRows(lengths, 'patch_lengths');
    return { counts: eachRow(rows, (row) => row.filter((length) => length > 0).length), what: `'${lengths}'` };
  }
  if (threshold === undefined)
    throw new UsageError('--images: expected --threshold with --entropies, got none. Pass the threshold of the model.');
  const rows = await readTokenRows(entropies as string, 'entropies');
  const rowLength = values.rowLength ?? Math.sqrt(rows.length + 1);
  if (!Number.isInteger(rowLength)) {
    throw new UsageError(
      `--row-length: expected a value, because ${rows.length + 1} tokens are not a square number, got none. Pass the tokens of a row.`,
    );
  }
  const options: PatchingOptions = { threshold, maxPatchLength: values.maxPatchLength, rowLength };
  return { counts: eachRow(rows, (row) => patchLengths(row, options).length), what: `'${entropies}'` };
}

function eachRow({ data, images, length }: TokenRows, of: (row: Float64Array) => number): Float64Array {
  return Float64Array.from({ length: images }, (_, i) => of(data.subarray(i * length, (i + 1) * length)));
}

const dataOf = ({ correlation, low, high, level }: Correlation) => ({
  correlation: finiteOrNull(correlation),
  low: finiteOrNull(low),
  high: finiteOrNull(high),
  level,
});

function textOf({ correlation, low, high, level }: Correlation): string {
  if (Number.isNaN(correlation)) return 'undefined: one side is constant';
  return `${formatFixed(correlation, 4)} (${formatFixed(low, 4)} to ${formatFixed(high, 4)} at ${100 * level} %)`;
}
