import { statSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointIdentity, makeFolder, writeFileAtomic, writeSafetensors } from '@dpar/io/node';
import { entropySourceKinds } from '@dpar/model';
import { loadModel } from '@dpar/model/node';
import { heatMap, toPng } from '@dpar/report';
import { sizeOfSet } from '@dpar/train';
import {
  classesKey,
  computeEntropies as computeFiles,
  entropyCheckpointKey,
  findTokenLayout,
  readClassNames,
} from '@dpar/train/node';
import type { Context } from '../command/command.js';
import { defineCommand, type Result } from '../command/command.js';
import { UsageError } from '../command/errors.js';
import { countOf } from '../command/format.js';
import { interruptible } from '../command/interruptible.js';
import {
  folder,
  optional,
  outputFolder,
  outputPath,
  path,
  required,
  type Shard,
  shard,
  wholeNumber,
} from '../command/options.js';
import { checkOutput, outputKind } from '../command/output-place.js';
import { takeShare } from '../command/share.js';
import { computeEntropies } from '../entropies.js';

/** Width of a token in a picture, in pixels. */
const cell = 16;

interface EntropyValues {
  readonly checkpoint: string;
  readonly input: string;
  readonly output: string;
  readonly png: string | undefined;
  readonly batchSize: number;
  readonly shard: Shard | undefined;
}

export const entropy = defineCommand({
  name: 'entropy',
  summary: 'Compute entropies of image tokens with an entropy model or a boundary head',
  details:
    "Input: a safetensors file of tokens, a folder of token shards, or a folder with LlamaGen's <name>_codes and " +
    '<name>_labels.\n\n' +
    "Output for a file: 'tokens' [N, T] and 'labels' [N] of the input, and 'entropies' [N, T - 1] in nats. " +
    'Entropy j belongs to the prediction of token j + 1. With --png, each image also gets a heat map from dark ' +
    '(0) to light (ln V, the maximum).\n\n' +
    'Output for a folder: files with the entropies of all images in all variants. If --output is the folder of ' +
    'the tokens, dpar train finds them.\n\n' +
    'Resume, for a folder: run the same command again. Complete files are kept.',
  options: {
    checkpoint: required(folder, 'entropy model, or DPAR model with a boundary head'),
    input: required(path, 'tokens: safetensors file or folder'),
    output: required(outputPath('any'), 'output: *.safetensors for a file, a folder for a folder'),
    png: optional(outputFolder, 'folder for a heat map of each image, if the input is a file'),
    batchSize: optional(wholeNumber(1, 4096), 'images per batch', 16),
    shard: optional(shard, 'compute only shard I of N of the files; the output is then always a folder'),
  },
  run: (given, context) => {
    const values = { ...given, shard: takeShare(given.shard, context) };
    return statSync(values.input, { throwIfNoEntry: false })?.isDirectory() === true || values.shard !== undefined
      ? entropiesOfFolder(values, context)
      : entropiesOfFile(values, context);
  },
});

async function entropiesOfFile(values: EntropyValues, context: Context): Promise<Result> {
  const { checkpoint, input, output, png, batchSize } = values;
  if (/\.(png|npz|npy|jsonl?)$/i.test(output)) {
    throw new UsageError(`--output: expected a FILE.safetensors for the entropies of a file, got '${output}'.`);
  }
  await checkOutput('--output', output, 'file');
  if (png !== undefined && /\.(png|jpe?g|webp|gif|npz|safetensors)$/i.test(png)) {
    throw new UsageError(`--png: expected a folder, for a picture of each image, got '${png}'. Pass a folder.`);
  }
  const { set, config, seconds } = await computeEntropies({ checkpoint, input, batchSize }, context);
  const classes = await readClassNames(input);
  const metadata = {
    [entropyCheckpointKey]: await checkpointIdentity(checkpoint),
    ...(classes && { [classesKey]: JSON.stringify(classes.names) }),
  };
  await writeSafetensors(output, { ...set }, { metadata });
  const { images } = sizeOfSet(set);
  const entropies = set.entropies.data;
  const mean = entropies.reduce((sum, value) => sum + value, 0) / entropies.length;
  if (png !== undefined) {
    await makeFolder(png);
    const predicted = entropies.length / images;
    for (let i = 0; i < images; i++) {
      const path = join(png, `${String(i).padStart(6, '0')}.png`);
      const map = entropies.subarray(i * predicted, (i + 1) * predicted);
      // The first token has no entropy.
      await writeFileAtomic(path, toPng(heatMap([undefined, ...map], Math.log(config.vocabSize), cell)));
    }
  }
  return {
    data: { images, mean_entropy: mean, seconds, output, png: png ?? null },
    text: `entropies of ${countOf(images, 'image')} in ${output}, mean ${mean.toFixed(4)} nats`,
  };
}

async function entropiesOfFolder(values: EntropyValues, context: Context): Promise<Result> {
  const { checkpoint, input, output, png, batchSize, shard: share } = values;
  if (png !== undefined) {
    const got = share === undefined ? `the folder '${input}'` : `--shard ${share.index}/${share.count}`;
    throw new UsageError(`--png: expected a file of tokens as --input and no shard, got ${got}. Leave out --png.`);
  }
  if (outputKind(output) !== 'folder') {
    throw new UsageError(`--output: expected a folder for shards of entropies, got '${output}'.`);
  }
  await checkOutput('--output', output, 'folder');
  const layout = await findTokenLayout(input);
  const model = await loadModel(checkpoint, { kinds: entropySourceKinds });
  const engine = await context.engine();
  const begin = performance.now();
  const identity = await checkpointIdentity(checkpoint);
  const options = { identity, folder: output, share, batchSize, signal: context.signal };
  const { written, skipped, images } = await interruptible('entropy', output, context, (onProgress) =>
    computeFiles(engine, model, layout, { ...options, onProgress }),
  );
  const seconds = (performance.now() - begin) / 1000;
  const { variants } = layout;
  const each = variants === 1 ? '' : ` in ${variants} variants`;
  return {
    data: { images, variants, written, skipped, seconds, output },
    text: `entropies of ${countOf(images, 'image')}${each} in ${output}: ${countOf(written, 'file')} written, ${skipped} there before`,
  };
}
