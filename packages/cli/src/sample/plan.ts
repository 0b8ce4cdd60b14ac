import { checkpointIdentity, type Settings } from '@dpar/io/node';
import { UsageError } from '../command/errors.js';
import { type OutputKind, outputKind } from '../command/output-place.js';
import { type Generator, weightsFile } from './generator.js';
import type { SampleValues } from './options.js';
import type { Prefix } from './prefix.js';

/** Name of the file that says what the images of a folder are made with. */
export const settingsFile = 'sample.json';

/** What is generated, as far as it matters for the output. N images of T tokens. */
export interface SamplePlan {
  readonly output: string;
  readonly kind: OutputKind;
  /** Number of the first image in its run, of which others may be made elsewhere. */
  readonly first: number;
  /** Images of the whole run. */
  readonly total: number;
  /** [N] */
  readonly labels: Int32Array;
  /** T */
  readonly tokensPerImage: number;
  /** The subfolder of a folder into which each image goes; by default they lie in the folder itself. [N] */
  readonly subfolders?: readonly string[];
  /** All subfolders, which a folder gets also without images. */
  readonly folders?: readonly string[];
  /** How many different classes are asked for. */
  readonly classes: number;
  /** What decides how image k of the run looks. */
  readonly settings: Settings;
  /** What decides which images of the run these are. */
  readonly share: Settings;
  /** These are a shard, which says so, and not the whole run. */
  readonly isShard: boolean;
}

/** @throws UsageError for more parts than images. */
export async function planSample(values: SampleValues, model: Generator, prefix?: Prefix): Promise<SamplePlan> {
  const { output, classes, shard = { index: 0, count: 1 } } = values;
  const count = values.count ?? classes.length;
  if (shard.count > count) {
    throw new UsageError(`--shard: expected at most ${count} parts for ${count} images, got ${shard.count}.`);
  }
  const first = Math.floor((shard.index * count) / shard.count);
  const end = Math.floor(((shard.index + 1) * count) / shard.count);
  return {
    output,
    kind: outputKind(output),
    first,
    total: count,
    labels: Int32Array.from({ length: end - first }, (_, i) => classes[(first + i) % classes.length] ?? 0),
    tokensPerImage: model.blockSize,
    classes: new Set(classes).size,
    settings: await settingsOf(values, model, prefix),
    share: { count, shard: `${shard.index}/${shard.count}` },
    isShard: values.shard !== undefined,
  };
}

/** How seeds become tokens. Runs of a version that drew in another way must not be continued. */
const drawMethod = 'gumbel';

/** By the first names of the options, so that runs of any version can be resumed and merged. Batch size, threads and the like are not among them: the images are the same with any. */
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
    classes: values.classes.join(','),
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
