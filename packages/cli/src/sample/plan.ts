import { checkpointIdentity } from '@dpar/io/node';
import { gridColumns } from '@dpar/pipeline';
import type { Label } from '@dpar/sampler';
import { type ItemRange, type Settings, type ShardStore, shareOf } from '@dpar/shards';
import { UsageError } from '../command/errors.js';
import type { Shard } from '../command/options.js';
import { type OutputKind, outputKind } from '../command/output-place.js';
import { type GridLabels, gridLabels } from '../images/labelled-grid.js';
import { differentLabels, firstClass, labelKey, labelNames } from './classes.js';
import { type Generated, type Generator, weightsFile } from './generator.js';
import type { SampleValues } from './options.js';
import type { Prefix } from './prefix.js';

/** Name of the file with the settings of the images in a folder. */
export const settingsFile = 'sample.json';

/** Images to generate, and their output. N images of T tokens. */
export interface SamplePlan {
  readonly output: string;
  readonly kind: OutputKind;
  /** Number of the first image in its run. Other shards have the images before and after. */
  readonly first: number;
  /** Images of the whole run. */
  readonly total: number;
  /** Class of each image, or that of the first word of its prompt. [N] */
  readonly labels: Int32Array;
  /** T */
  readonly tokensPerImage: number;
  /** Subfolder for each image (default: none). [N] */
  readonly subfolders?: readonly string[];
  /** All subfolders, also those without images. */
  readonly folders?: readonly string[];
  /** Number of different classes. */
  readonly classes: number;
  /** Names beside a grid (default: none). */
  readonly gridNames?: GridLabels;
  /** Settings that decide how image k of the run looks. */
  readonly settings: Settings;
  /** Settings that decide which images of the run these are. */
  readonly share: Settings;
  /** The images are a shard of the run, and the output has a record. */
  readonly isShard: boolean;
}

/** Keeps generated images, batch by batch. */
export interface SampleWriter extends ShardStore<Pick<Generated, 'tokens' | 'patchLengths'>> {
  /** Folder or file that keeps finished images until the output is complete. */
  readonly kept: string;
  /** Puts the output in its place. @throws the signal's reason when it is aborted. */
  finish(signal: AbortSignal): Promise<void>;
}

/** Images of a shard out of N. @throws UsageError for more shards than images. */
export function imagesOfShard(images: number, { index, count }: Shard): ItemRange {
  if (count <= images) return shareOf(images, { index, count });
  throw new UsageError(`--shard: expected at most ${images} parts for ${images} images, got ${count}.`);
}

/** Labels of the images `first` to `first + count - 1` of a run, in which the given ones take turns. */
export function takeTurns(given: readonly Label[], first: number, count: number): Label[] {
  return Array.from({ length: count }, (_, i) => given[(first + i) % given.length] as Label);
}

/** @throws UsageError for more shards than images. */
export async function planSample(values: SampleValues, model: Generator, prefix?: Prefix): Promise<SamplePlan> {
  const { output, classes, shard = { index: 0, count: 1 } } = values;
  const total = values.count ?? classes.length;
  const { start: first, count } = imagesOfShard(total, shard);
  const prompts = takeTurns(classes, first, count);
  return {
    output,
    kind: outputKind(output),
    first,
    total,
    labels: Int32Array.from(prompts, firstClass),
    ...(values.labels && { gridNames: await gridNamesOf(values, prompts, model) }),
    tokensPerImage: model.blockSize,
    classes: differentLabels(classes),
    settings: await settingsOf(values, model, prefix),
    share: { count: total, shard: `${shard.index}/${shard.count}` },
    isShard: values.shard !== undefined,
  };
}

/** Names beside the grid of images. @throws UsageError if names cannot label it. */
async function gridNamesOf(
  { checkpoint, output, classes }: SampleValues,
  prompts: readonly Label[],
  { numClasses }: Generator,
): Promise<GridLabels> {
  if (outputKind(output) !== 'png') {
    throw new UsageError(`--labels: expected a grid (--output FILE.png), got '${output}'. Leave --labels out.`);
  }
  const names = await labelNames(checkpoint, numClasses);
  if (names === undefined) {
    throw new UsageError(
      `--labels: expected names of classes in '${checkpoint}', got none. Write them to its classes.json, in order.`,
    );
  }
  const found = gridLabels(prompts, gridColumns(prompts.length, differentLabels(classes)), names);
  if (found !== undefined) return found;
  throw new UsageError(
    `--labels: expected a grid with one class in each column or row, got ${prompts.length} images of ${differentLabels(classes)} ` +
      'classes in another order. Choose at most 16 classes and several images of each with --count, or leave --labels out.',
  );
}

/** Method that draws tokens from a seed. A run of a version with another method cannot be resumed. */
const drawMethod = 'gumbel';

/**
 * Settings by the original names of the options. Runs of any version can then be resumed and merged. Batch size and
 * threads are not among them: they do not change the images.
 */
async function settingsOf(values: SampleValues, model: Generator, prefix?: Prefix): Promise<Settings> {
  const { output, checkpoint, tokenizer, weights, entropyWeights = weights } = values;
  const entropyCheckpoint = model.entropyCheckpoint;
  return {
    checkpoint: await checkpointIdentity(checkpoint, weightsFile(values.average)),
    weights,
    ...(entropyCheckpoint !== undefined && {
      entropy_checkpoint: await checkpointIdentity(entropyCheckpoint),
      entropy_weights: entropyWeights,
    }),
    ...(tokenizer !== undefined &&
      outputKind(output) !== 'safetensors' && { tokenizer: await checkpointIdentity(tokenizer) }),
    classes: values.classes.map(labelKey).join(','),
    seed: values.seed,
    draw: drawMethod,
    ...(prefix && { prefix: prefix.identity, prefix_length: prefix.length }),
    cfg_scale: values.guidanceScale,
    cfg_schedule: values.guidanceSchedule,
    cfg_interval: values.guidanceInterval?.join(':') ?? null,
    temperature: values.temperature,
    top_k: values.topK,
    top_p: values.topP,
    greedy: values.greedy,
    threshold: values.threshold ?? null,
    max_patch_length: values.maxPatchLength ?? null,
  };
}
