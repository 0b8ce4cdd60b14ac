import { describeImageChange, readImageList } from '@dpar/eval/node';
import { arrangeShards } from '@dpar/io/node';
import { checkSameClasses, readClassNames } from '@dpar/train/node';
import type { Context, Result } from '../command/command.js';
import { CommandError, UsageError } from '../command/errors.js';
import { countOf } from '../command/format.js';
import type { OutputKind } from '../command/output-place.js';
import type { FoundShards } from './find-shards.js';
import type { ShardKind, TensorShard } from './shard.js';
import { writeMergedFeatures, writeMergedFolder, writeMergedTensors } from './write-merged.js';

/** What is merged, and where to. */
export interface MergeWork {
  readonly found: FoundShards;
  /** Which of the shards, where they are of several kinds. */
  readonly kind: ShardKind | undefined;
  readonly output: string;
  readonly outputKind: OutputKind;
  /** Number of images that there must be. */
  readonly count: number | undefined;
}

const endings: Readonly<Record<ShardKind, readonly OutputKind[]>> = {
  tokens: ['safetensors', 'folder'],
  entropies: ['safetensors', 'folder'],
  samples: ['safetensors'],
  features: ['npz', 'folder'],
};

/**
 * Merges shards of tensors, once it is known that they are whole and hold each image of one run once.
 * @throws IoError that names images that are missing or there twice, damaged shards and those of another run; UsageError for an
 * output that they do not become.
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
  const progress = context.progress({
    ...{ label: 'merge', unit: 'images' },
    total: 2 * shards.reduce((sum, { record }) => sum + record.count, 0),
  });
  try {
    const damaged = [...found.damaged];
    let checked = 0;
    const whole: TensorShard[] = [];
    for (const shard of shards) {
      context.signal.throwIfAborted();
      if (await shard.isWhole()) whole.push(shard);
      else damaged.push(shard.name);
      checked += shard.record.count;
      progress.update(checked);
    }
    const ordered = arrangeShards(whole, { items: 'images', damaged, ...(count !== undefined && { total: count }) });
    const onItems = (done: number): void => {
      context.signal.throwIfAborted();
      progress.update(checked + done);
    };
    if (outputKind === 'folder') await writeMergedFolder(output, ordered, onItems);
    else if (outputKind === 'npz') await writeMergedFeatures(output, ordered, onItems);
    else await writeMergedTensors(output, ordered, onItems);
    const images = ordered[0]?.record.total ?? 0;
    return {
      data: { kind, images, shards: ordered.length, output },
      text: `${kind} of ${countOf(images, 'image')}, ${countOf(ordered.length, 'shard')}, in ${output}`,
    };
  } finally {
    progress.stop();
  }
}

/**
 * Checks what shards in several folders were made of, where that is known.
 * @throws DparError that names the first class that differs; CommandError that names the first image.
 */
async function checkSources(shards: readonly TensorShard[]): Promise<void> {
  const [like, ...others] = [...new Map(shards.map((shard) => [shard.input, shard])).values()];
  if (like === undefined || (like.kind !== 'tokens' && like.kind !== 'features')) return;
  const classes = like.kind === 'tokens' ? await readClassNames(like.input) : undefined;
  for (const other of others) {
    if (like.kind === 'tokens') checkSameClasses(classes, await readClassNames(other.input));
    if (like.record.settings?.images === other.record.settings?.images) continue;
    const [a, b] = [await readImageList(like.input), await readImageList(other.input)];
    if (a === undefined || b === undefined) continue;
    throw new CommandError(
      `expected shards of the same images as in '${like.input}', got in '${other.input}' ${describeImageChange(a, b)}. ` +
        'Leave it out, or make it again of the same images.',
    );
  }
}

function kindOf({ found, kind }: MergeWork): ShardKind {
  const kinds = [...new Set(found.shards.map((shard) => shard.kind))];
  if (kind !== undefined) return kind;
  const [only = 'tokens'] = kinds;
  if (kinds.length <= 1) return only;
  throw new UsageError(`expected --kind for shards of several kinds, got none. There are ${kinds.join(' and ')}.`);
}
