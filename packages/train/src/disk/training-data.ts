import { statSync } from 'node:fs';
import type { KindsOf } from '@dpar/check';
import { entropyKind } from '@dpar/entropy';
import { checkpointIdentity } from '@dpar/io/node';
import { loadModel } from '@dpar/model/node';
import { architectureArgument, type ImageArchitecture } from '@dpar/nn';
import type { Engine } from '@dpar/tensor';
import { countPatches } from '../batches/patch-counts.js';
import type { TokenSet } from '../batches/token-set.js';
import { isTokenSource, type TokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { withEntropies, withEntropiesOfFile } from './attach-entropies.js';
import { computeEntropies } from './compute-entropies.js';
import { diskSource } from './disk-source.js';
import { findEntropies } from './entropy-parts.js';
import { findTokenLayout } from './find-layout.js';
import type { TokenLayout } from './layout.js';
import { workerSource } from './worker-source.js';

/** Where the data of a run lie. */
export interface TrainingDataPaths {
  /** What `findTokenLayout` takes. */
  readonly tokens: string;
  /** Folder of the entropies if they are not beside the tokens; for a set in one file also a file with them. */
  readonly entropies?: string | undefined;
  /** Checkpoint of the entropy model that the entropies must be of; those that are missing are computed with it. */
  readonly entropyCheckpoint?: string | undefined;
}

const trainingDataPathsKinds: KindsOf<TrainingDataPaths> = {
  tokens: 'string',
  'entropies?': 'string',
  'entropyCheckpoint?': 'string',
  '*': 'any',
};

/** How far the preparation of the data is, in images. */
export interface DataProgress {
  readonly stage: 'entropies' | 'patches';
  readonly done: number;
  readonly total: number;
}

/** Settings of {@link openTrainingData}. */
export interface TrainingDataOptions {
  /** Whether patches are counted, which batches of training are grouped by (default: true). */
  readonly patchCounts?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DataProgress) => void) | undefined;
}

/** Kinds of {@link TrainingDataOptions}. */
export const trainingDataOptionsKinds: KindsOf<TrainingDataOptions> = {
  'patchCounts?': 'boolean',
  'signal?': 'AbortSignal',
  'onProgress?': 'function',
};

/** Data as a `Trainer` takes them. */
export interface TrainingData {
  readonly data: TokenSet | TokenSource;
  /** See `countPatches`; undefined for a set in memory, for models without patches, and if they were not wanted. */
  readonly patchCounts: Uint16Array | undefined;
}

/** Sets in one safetensors file are kept in memory up to this size of their tokens, in bytes. */
const bytesInMemory = 1 << 26;

/**
 * Opens tokenized data for a model: a small safetensors file is read into memory, all else stays on disk and is read batch
 * by batch in a thread of its own. For a model whose patches are made of entropies, those that are missing are computed
 * where an entropy model is given, and patches are counted if that is wanted.
 * @throws DparError or IoError if there are no such data, or entropies are missing or stale.
 */
export async function openTrainingData(
  engine: Engine,
  model: ImageArchitecture,
  paths: TrainingDataPaths,
  options: TrainingDataOptions = {},
): Promise<TrainingData> {
  checkArguments(
    'openTrainingData',
    { engine, model, paths, options },
    {
      engine: 'Engine',
      model: architectureArgument,
      paths: trainingDataPathsKinds,
      'options?': trainingDataOptionsKinds,
    },
  );

  const { entropies, ...bare } = await findTokenLayout(paths.tokens);
  const layout = model.kind.needsEntropies(model.config)
    ? await completeLayout(engine, { ...bare, ...(entropies && { entropies }) }, paths, options)
    : bare;
  const data = fitsInMemory(layout) ? await readSet(layout) : workerSource(layout);
  // That entropies are missing is the trainer's to say.
  const countable =
    options.patchCounts !== false &&
    isTokenSource(data) &&
    (data.hasEntropies || !model.kind.needsEntropies(model.config));
  if (!countable) return { data, patchCounts: undefined };
  const onProgress = (done: number, total: number) => options.onProgress?.({ stage: 'patches', done, total });
  return { data, patchCounts: await countPatches(model, data, { signal: options.signal, onProgress }) };
}

/** The layout with its entropies, once those that are missing are computed. */
async function completeLayout(
  engine: Engine,
  layout: TokenLayout,
  { entropies, entropyCheckpoint }: TrainingDataPaths,
  { signal, onProgress: report }: TrainingDataOptions,
): Promise<TokenLayout> {
  const identity = entropyCheckpoint === undefined ? undefined : await checkpointIdentity(entropyCheckpoint);
  if (entropies !== undefined && isFile(entropies)) return withEntropiesOfFile(layout, entropies, identity);
  if (entropyCheckpoint !== undefined) {
    const { parts, missing } = await findEntropies(layout, entropies, identity);
    if (missing.length === 0) return { ...layout, entropies: parts };
    const onProgress = (done: number, total: number) => report?.({ stage: 'entropies', done, total });
    const model = await loadModel(entropyCheckpoint, { kinds: [entropyKind] });
    const options = { identity: await checkpointIdentity(entropyCheckpoint), folder: entropies, signal, onProgress };
    await computeEntropies(engine, model, layout, options);
  }
  return withEntropies(layout, entropies, identity);
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

function fitsInMemory({ form, path, shards, images, variants, tokensPerImage }: TokenLayout): boolean {
  const isOneFile = form === 'shards' && path === shards[0]?.tokens && path === shards[0]?.labels;
  return isOneFile && variants === 1 && images * tokensPerImage * Int32Array.BYTES_PER_ELEMENT <= bytesInMemory;
}

async function readSet(layout: TokenLayout): Promise<TokenSet> {
  const all = Int32Array.from({ length: layout.images }, (_, i) => i);
  const { tokens, labels, entropies } = await diskSource(layout).load(all, new Int32Array(all.length));
  return { tokens, labels, ...(entropies && { entropies }) };
}
