import { mergeImages } from '@dpar/eval/node';
import type { Context } from '../command/command.js';
import { defineCommand, type Result } from '../command/command.js';
import { UsageError } from '../command/errors.js';
import { countOf, namesOf } from '../command/format.js';
import { choice, optional, outputPath, path, repeated, required, wholeNumber } from '../command/options.js';
import { outputKind } from '../command/output-place.js';
import type { Progress } from '../command/progress.js';
import { type FoundShards, findShards } from '../merge/find-shards.js';
import { mergeShards } from '../merge/merge-shards.js';

export const merge = defineCommand({
  name: 'merge',
  summary: 'Merge shards into one result: tokens, entropies, samples or features',
  details:
    'Input: shards from dpar tokenize, entropy, sample and features, in any order. Each shard records its images ' +
    'and settings.\n\n' +
    'Output, with the bytes of a single run:\n' +
    '  tokens, entropies            one .safetensors file, or a folder of shards\n' +
    '  samples without a tokenizer  one .safetensors file\n' +
    '  features                     one .npz file, or a folder\n' +
    '  images                       an ADM sample batch .npz: arr_0 and, if the shards have labels, arr_1\n\n' +
    'Other folders of images and ADM sample batches are joined in the given order.\n\n' +
    'Missing images, overlapping or damaged shards, and shards of different runs are errors. Then nothing is ' +
    'written.',
  options: {
    input: repeated(path, 'shards: files or folders'),
    output: required(outputPath('ending'), 'output: *.npz, *.safetensors or a folder'),
    kind: optional(choice(['tokens', 'entropies']), 'kind of the shards, if a folder has both'),
    count: optional(wholeNumber(1, 1e8), 'expected number of images; any other is an error (default: that of the run)'),
  },
  run: async ({ input, output, kind, count }, context) => {
    if (input.length === 0) throw new UsageError('expected --input PATH ..., got none.');
    const ending = outputKind(output);
    if (ending === 'png') throw new UsageError(`--output: expected *.npz, *.safetensors or a folder, got '${output}'.`);
    const found = await findAll(input);
    if (found !== undefined) return mergeShards({ found, kind, output, outputKind: ending, count }, context);
    if (ending !== 'npz')
      throw new UsageError(`--output: expected a path that ends in .npz for images, got '${output}'.`);
    return mergeSets(input, output, count, context);
  },
});

/** Finds the shards of tensors in the inputs; undefined if the inputs are images. */
async function findAll(inputs: readonly string[]): Promise<FoundShards | undefined> {
  const found: (FoundShards | undefined)[] = [];
  for (const input of inputs) found.push(await findShards(input));
  const all = found.filter((shards) => shards !== undefined);
  if (all.length === 0) return undefined;
  const other = inputs.find((_, i) => found[i] === undefined);
  if (other === undefined) {
    return { shards: all.flatMap(({ shards }) => shards), damaged: all.flatMap(({ damaged }) => damaged) };
  }
  throw new UsageError(
    `--input: expected only shards of tensors or only images, got shards and '${other}' without any. Merge it separately.`,
  );
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
      data: { kind: 'images', images, width, height, labels, output, ignored_files: ignored },
      text: `${countOf(images, 'image')} of ${width} x ${height} pixels in ${output}${labels ? ', with labels' : ''}`,
    };
  } finally {
    progress?.stop();
  }
}
