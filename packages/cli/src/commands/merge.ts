import { mergeImages, readFeatureFolder, writeFeatures } from '@dpar/eval/node';
import { defineCommand, type Result } from '../command.js';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { file, optional, path, repeated, required, wholeNumber } from '../options.js';
import type { Progress } from '../progress.js';
import { checkPlace, outputKind } from '../sample/output-kind.js';
import { countOf, namesOf } from '../table.js';

export const merge = defineCommand({
  name: 'merge',
  summary: 'one .npz of the parts that dpar sample or dpar features made',
  details:
    'Images: an ADM sample batch, arr_0 uint8 [N, H, W, 3] and, where the parts have labels, arr_1. Parts are .npz files of ' +
    'dpar sample --shard, folders of its images, or folders of such files, in any order; images that are missing or there ' +
    'twice are named. Other folders of images and ADM sample batches follow one another as they are given. A folder of ' +
    'dpar features becomes a .npz of features. The same parts give the same bytes.',
  options: {
    input: repeated(path, 'parts: .npz files or folders'),
    output: required(file, 'where to write: *.npz'),
    count: optional(wholeNumber(1, 1e7), 'number of images that there must be (default: as the parts say)'),
  },
  run: async ({ input, output, count }, context) => {
    if (input.length === 0) throw new UsageError('expected --input PATH ..., got none.');
    if (outputKind(output) !== 'npz') {
      throw new UsageError(`--output: expected a path that ends in .npz, got '${output}'.`);
    }
    await checkPlace(output, 'npz');
    const [only] = input;
    const features = input.length === 1 && only !== undefined ? await mergeFeatures(only, output) : undefined;
    return features ?? mergeSets(input, output, count, context);
  },
});

async function mergeFeatures(input: string, output: string): Promise<Result | undefined> {
  const found = await readFeatureFolder(input);
  if (found === undefined) return undefined;
  await writeFeatures(output, found.features, found.origin);
  const images = found.features.pool.rows;
  return { data: { images, output }, text: `features of ${countOf(images, 'image')} in ${output}` };
}

async function mergeSets(
  input: readonly string[],
  output: string,
  count: number | undefined,
  context: Context,
): Promise<Result> {
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number): void => {
    progress ??= context.progress({ label: 'merge', unit: 'images', total });
    progress.update(done);
  };
  try {
    const merged = await mergeImages(input, output, { count, onProgress, signal: context.signal });
    const { images, width, height, labels, ignored } = merged;
    if (ignored.length > 0) context.note(`no images, and left out: ${namesOf(ignored)}`);
    return {
      data: { images, width, height, labels, output, ignored_files: ignored },
      text: `${countOf(images, 'image')} of ${width} x ${height} pixels in ${output}${labels ? ', with labels' : ''}`,
    };
  } finally {
    progress?.stop();
  }
}
