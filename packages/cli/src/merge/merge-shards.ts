import { join } from 'node:path';
import { collectFeatures, featureSettingsFile, readFeatureSettings, writeFeatures } from '@dpar/eval/node';
import { describeImageChange, imageListFile, readImageList } from '@dpar/images/node';
import { classesFile } from '@dpar/io/node';
import { checkShards, mergeFiles, mergeTensors, type OnItems } from '@dpar/shards';
import { checkSameClasses, classesKey, entropyCheckpointKey, readClassNames } from '@dpar/train/node';
import type { Context, Result } from '../command/command.js';
import { CommandError, UsageError } from '../command/errors.js';
import { countOf } from '../command/format.js';
import type { OutputKind } from '../command/output-place.js';
import { tokenSettingsFile } from '../tokenize/token-parts.js';
import type { FoundShard, FoundShards, ShardKind } from './find-shards.js';

/** Shards to merge, and their output. */
export interface MergeWork {
  readonly found: FoundShards;
  /** Kind of the shards to merge, if there are several kinds. */
  readonly kind: ShardKind | undefined;
  readonly output: string;
  readonly outputKind: OutputKind;
  /** Number of images that the result must have. */
  readonly count: number | undefined;
}

const endings: Readonly<Record<ShardKind, readonly OutputKind[]>> = {
  tokens: ['safetensors', 'folder'],
  entropies: ['safetensors', 'folder'],
  samples: ['safetensors'],
  features: ['npz', 'folder'],
};

/**
 * Checks that shards of tensors are complete and hold each image of one run once, and merges them.
 * @throws IoError that names missing images, shards that overlap, damaged shards, or a shard of another run; UsageError for an
 * output of another kind.
 */
export async function mergeShards(work: MergeWork, context: Context): Promise<Result> {
  const { found, output, outputKind, count } = work;
  const kind = kindOf(work);
  if (!endings[kind].includes(outputKind)) {
    const expected = endings[kind].map((ending) => (ending === 'folder' ? 'a folder' : `*.${ending}`)).join(' or ');
    throw new UsageError(`--output: expected ${expected} for ${kind}, got '${output}'.`);
  }
  const shards = found.shards.filter((shard) => shard.kind === kind);
  await checkSources(shards);
  const total = 2 * shards.reduce((sum, { record }) => sum + record.count, 0);
  const progress = context.progress({ label: 'merge', unit: 'images', total });
  try {
    let checked = 0;
    const onItems = (done: number): void => {
      context.signal.throwIfAborted();
      progress.update(checked + done);
    };
    const ordered = await checkShards(shards, { items: 'images', total: count, damaged: found.damaged }, (shard) => {
      checked += shard.record.count;
      onItems(0);
    });
    await write(output, outputKind, ordered, onItems);
    const images = ordered[0]?.record.total ?? 0;
    return {
      data: { kind, images, shards: ordered.length, output },
      text: `${kind} of ${countOf(images, 'image')}, ${countOf(ordered.length, 'shard')}, in ${output}`,
    };
  } finally {
    progress.stop();
  }
}

/** Writes shards in the order of their images to an output of a kind. */
async function write(output: string, outputKind: OutputKind, shards: readonly FoundShard[], onItems: OnItems) {
  const [first] = shards;
  if (first === undefined) return;
  if (outputKind === 'npz') {
    const path = join(first.input, featureSettingsFile);
    const { count, origin } = readFeatureSettings(first.record.settings ?? {}, path);
    const features = await collectFeatures(contentsOf(shards, onItems), count, first.input);
    return writeFeatures(output, features, origin);
  }
  if (outputKind === 'folder') {
    const about = [tokenSettingsFile, featureSettingsFile, classesFile, imageListFile];
    return mergeFiles(output, shards, first.kind === 'entropies' ? [] : about, onItems);
  }
  const made = first.metadata[entropyCheckpointKey];
  const classes = first.kind === 'tokens' ? await readClassNames(first.input) : undefined;
  const metadata = {
    ...(made !== undefined && { [entropyCheckpointKey]: made }),
    ...(classes && { [classesKey]: JSON.stringify(classes.names) }),
  };
  return mergeTensors(output, shards, metadata, onItems);
}

async function* contentsOf(shards: readonly FoundShard[], onItems: OnItems) {
  let items = 0;
  for (const shard of shards) {
    yield { tensors: await shard.tensors() };
    items += shard.record.count;
    onItems(items);
  }
}

/**
 * Checks that shards in several folders were made of the same images and classes, if these are known.
 * @throws DparError that names the first class that differs; CommandError that names the first image.
 */
async function checkSources(shards: readonly FoundShard[]): Promise<void> {
  const [like, ...others] = [...new Map(shards.map((shard) => [shard.input, shard])).values()];
  if (like === undefined || (like.kind !== 'tokens' && like.kind !== 'features')) return;
  const classes = like.kind === 'tokens' ? await readClassNames(like.input) : undefined;
  for (const other of others) {
    if (like.kind === 'tokens') checkSameClasses(classes, await readClassNames(other.input));
    if (like.record.settings?.images === other.record.settings?.images) continue;
    const [a, b] = [await readImageList(like.input), await readImageList(other.input)];
    if (a === undefined || b === undefined) continue;
    throw new CommandError(
      `expected shards of the same images as in '${like.input}', got '${other.input}' with ${describeImageChange(a, b)}. ` +
        'Leave it out, or make it again from the same images.',
    );
  }
}

function kindOf({ found, kind }: MergeWork): ShardKind {
  const kinds = [...new Set(found.shards.map((shard) => shard.kind))];
  if (kind !== undefined) return kind;
  const [only = 'tokens'] = kinds;
  if (kinds.length <= 1) return only;
  throw new UsageError(`expected --kind for shards of several kinds, got none. Pass one of ${kinds.join(', ')}.`);
}
