import type { KindsOf } from '@dpar/check';
import { createEntropyComputer } from '@dpar/entropy';
import { recoverFiles } from '@dpar/io/node';
import { entropySourceOf, type ImageModel, modelArgument } from '@dpar/nn';
import { type OnShardProgress, openShard, runSharded, type Share } from '@dpar/shards';
import { type Engine, float32, type HostTensor, int32 } from '@dpar/tensor';
import pMap from 'p-map';
import { checkTokenSet } from '../batches/check-set.js';
import type { EntropyOptions } from '../batches/entropies.js';
import { checkArguments } from '../check-arguments.js';
import { createDiskSource } from './disk-source.js';
import { findEntropies, writeEntropies } from './entropy-parts.js';
import type { EntropyPart, ImageRange, TokenLayout } from './layout.js';
import { tokenLayoutKinds } from './layout.js';

/** Settings of {@link computeEntropies}. */
export interface ComputeEntropiesOptions extends Omit<EntropyOptions, 'onProgress'> {
  /** Identity of the entropy model (`checkpointIdentity` of @dpar/io), which is recorded in each file. */
  readonly identity: string;
  /** Folder to write into; default: beside the tokens. */
  readonly folder?: string | undefined;
  /** Share of the files to compute, for work on several machines (default: all). */
  readonly share?: Share | undefined;
  /** Counts images, also those of earlier runs. */
  readonly onProgress?: OnShardProgress | undefined;
}

const computeEntropiesOptionsKinds: KindsOf<ComputeEntropiesOptions> = {
  identity: 'string',
  'folder?': 'string',
  'share?': { index: 'number', count: 'number', '*': 'any' },
  'batchSize?': 'number',
  'onProgress?': 'function',
  'signal?': 'AbortSignal',
};

/** Result of {@link computeEntropies}. */
export interface ComputedEntropies {
  /** Files written now. */
  readonly written: number;
  /** Files that were there already. */
  readonly skipped: number;
  /** Images of the share, each in all variants. */
  readonly images: number;
}

/**
 * Computes the entropies of all images of a data set, in all variants, and writes them file by file (see
 * `entropyParts`). The same call resumes after an interruption: complete files are kept, damaged ones are computed
 * again. Files are written atomically, with the identity of their model.
 * @param model An entropy model, or a DPAR model with a boundary head.
 * @throws DparError if the model computes no entropies, a file is stale (see `findEntropies`), or tokens do not fit the model, naming the file; the signal's
 * reason if it is aborted.
 */
export async function computeEntropies(
  engine: Engine,
  model: ImageModel,
  layout: TokenLayout,
  options: ComputeEntropiesOptions,
): Promise<ComputedEntropies> {
  checkArguments(
    'computeEntropies',
    { engine, model, layout, options },
    {
      engine: 'Engine',
      model: modelArgument,
      layout: tokenLayoutKinds,
      options: computeEntropiesOptionsKinds,
    },
  );
  entropySourceOf('computeEntropies', model); // throws for a model that computes none
  const { identity, folder, share = { index: 0, count: 1 }, batchSize, onProgress, signal } = options;
  const { variants: V, tokensPerImage: T } = layout;
  const { parts, missing } = await findEntropies(layout, folder, identity, true);
  const absent = new Set(missing);
  const ours = parts.filter((_, k) => k % share.count === share.index);
  await recoverFiles(ours.map(({ path }) => path));
  const isKept = async (part: EntropyPart): Promise<boolean> =>
    !absent.has(part) && ((await (await openShard(part.path))?.isWhole()) ?? false);
  const there = Uint8Array.from(await pMap(ours, isKept, { concurrency: 4 }), Number);
  const kept = ours.filter((_, k) => there[k] === 1);
  const images = countImages(ours);
  const result = { written: ours.length - kept.length, skipped: kept.length, images };
  if (result.written === 0) return result;

  const source = createDiskSource(layout);
  const computer = createEntropyComputer(engine, model, batchSize);
  let done = countImages(kept);
  try {
    await runSharded({
      store: {
        there,
        add: async ({ start }, entropies: HostTensor) =>
          writeEntropies(layout, ours[start] as EntropyPart, entropies, identity),
      },
      partSize: 1,
      async *make({ run }) {
        for (const part of ours.slice(run.start, run.start + run.count)) {
          const sequences = part.images * V;
          const tokens = int32([sequences, T], await source.readTokens(part.first, part.images));
          checkTokenSet(model, { tokens, labels: int32([sequences]) }, `'${layout.path}'`, {
            nameOf: (row) => source.nameOf(part.first + Math.floor(row / V)),
          });
          const entropies = await computer.run(tokens, {
            signal,
            onProgress: (of) => onProgress?.(done + of / V, images, done),
          });
          yield float32([part.images, V, T - 1], entropies.data);
          done += part.images;
        }
      },
      signal,
    });
  } finally {
    await computer.dispose();
  }
  return result;
}

function countImages(parts: readonly ImageRange[]): number {
  return parts.reduce((sum, { images }) => sum + images, 0);
}
