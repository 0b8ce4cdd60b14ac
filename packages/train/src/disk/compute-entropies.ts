import type { KindsOf } from '@dpar/check';
import type { EntropyModelConfig } from '@dpar/entropy';
import { type ImageModel, modelArgument } from '@dpar/nn';
import { type Engine, float32, int32 } from '@dpar/tensor';
import pMap from 'p-map';
import { checkTokenSet } from '../batches/check-set.js';
import { type EntropyOptions, entropyComputer } from '../batches/entropies.js';
import { checkArguments } from '../check-arguments.js';
import { diskSource } from './disk-source.js';
import { areWhole, findEntropies, writeEntropies } from './entropy-parts.js';
import type { ImageRange, TokenLayout } from './layout.js';
import { tokenLayoutKinds } from './layout.js';

/** Settings of {@link computeEntropies}. */
export interface ComputeEntropiesOptions extends EntropyOptions {
  /** Identity of the entropy model (`checkpointIdentity` of @dpar/io), which is recorded in each file. */
  readonly identity: string;
  /** Folder to write into; default: beside the tokens. */
  readonly folder?: string | undefined;
  /** Which of equal shares of the files to compute, counted from 0: for work on several machines. Default: all. */
  readonly share?: { readonly index: number; readonly count: number } | undefined;
}

const computeEntropiesOptionsKinds: KindsOf<ComputeEntropiesOptions> = {
  identity: 'string',
  'folder?': 'string',
  'share?': { index: 'number', count: 'number', '*': 'any' },
  'batchSize?': 'number',
  'onProgress?': 'function',
  'signal?': 'AbortSignal',
};

/** What {@link computeEntropies} did. */
export interface ComputedEntropies {
  /** Files written, and those that were there already. */
  readonly written: number;
  /** Files that were there already. */
  readonly skipped: number;
  /** Images of the share, each in all variants. */
  readonly images: number;
}

/**
 * Computes the entropies of all images of a data set, in all variants, and writes them file by file (see `entropyParts`).
 * Files that are there and whole are kept, so that interrupted work goes on where it stopped; damaged ones are computed again.
 * Each appears whole or not at all and tells of which model it is. `onProgress` counts images.
 * @throws DparError if a file is stale (see `findEntropies`), or tokens do not fit the model, naming the file; the signal's
 * reason if it is aborted.
 */
export async function computeEntropies(
  engine: Engine,
  model: ImageModel<EntropyModelConfig>,
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
  const { identity, folder, share = { index: 0, count: 1 }, batchSize, onProgress, signal } = options;
  const { variants: V, tokensPerImage: T } = layout;
  const { parts, missing } = await findEntropies(layout, folder, identity, true);
  const absent = new Set(missing);
  const ours = parts.filter((_, k) => k % share.count === share.index);
  const wholes = await pMap(ours, async (part) => !absent.has(part) && (await areWhole(part)), { concurrency: 4 });
  const todo = ours.filter((_, k) => !wholes[k]);
  const images = countImages(ours);
  let done = images - countImages(todo);
  const result = { written: todo.length, skipped: ours.length - todo.length, images };
  if (todo.length === 0) return result;

  const source = diskSource(layout);
  const computer = entropyComputer(engine, model, batchSize);
  try {
    for (const part of todo) {
      signal?.throwIfAborted();
      const sequences = part.images * V;
      const tokens = int32([sequences, T], await source.readTokens(part.first, part.images));
      checkTokenSet(model, { tokens, labels: int32([sequences]) }, `'${layout.path}'`, {
        nameOf: (row) => source.nameOf(part.first + Math.floor(row / V)),
      });
      const entropies = await computer.run(tokens, {
        signal,
        onProgress: (of) => onProgress?.(done + of / V, images),
      });
      const tensor = float32([part.images, V, T - 1], entropies.data);
      await writeEntropies(layout, part, tensor, identity);
      done += part.images;
    }
  } finally {
    await computer.dispose();
  }
  return result;
}

function countImages(parts: readonly ImageRange[]): number {
  return parts.reduce((sum, { images }) => sum + images, 0);
}
