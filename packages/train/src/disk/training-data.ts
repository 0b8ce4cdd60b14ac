import { statSync } from 'node:fs';
import type { KindsOf } from '@dpar/check';
import { checkpointIdentity } from '@dpar/io/node';
import { entropySourceKinds } from '@dpar/model';
import { loadModel } from '@dpar/model/node';
import { architectureArgument, type ImageArchitecture } from '@dpar/nn';
import type { Engine } from '@dpar/tensor';
import { countPatches } from '../batches/patch-counts.js';
import type { TokenSet } from '../batches/token-set.js';
import { isTokenSource, type TokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { withEntropies, withEntropiesOfFile } from './attach-entropies.js';
import { computeEntropies } from './compute-entropies.js';
import { createDiskSource } from './disk-source.js';
import { findEntropies } from './entropy-parts.js';
import { findTokenLayout } from './find-layout.js';
import type { TokenLayout } from './layout.js';
import { createWorkerSource } from './worker-source.js';

/** Paths of the data of a run. */
export interface TrainingDataPaths {
  /** A path that `findTokenLayout` accepts. */
  readonly tokens: string;
  /** Folder of the entropies, or file for a set in one file (default: beside the tokens). */
  readonly entropies?: string | undefined;
  /** Checkpoint of the entropy model, or of a DPAR model with a boundary head. It computes missing entropies. Entropies of another model are refused. */
  readonly entropyCheckpoint?: string | undefined;
}

const trainingDataPathsKinds: KindsOf<TrainingDataPaths> = {
  tokens: 'string',
  'entropies?': 'string',
  'entropyCheckpoint?': 'string',
  '*': 'any',
};

/** Progress of preparing the data, in images. */
export interface DataProgress {
  readonly stage: 'entropies' | 'patches';
  readonly done: number;
  readonly total: number;
}

/** Options of {@link openTrainingData}. */
export interface TrainingDataOptions {
  /** Counts patches, to group training batches (default: true). */
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

/** Data for a `Trainer`. */
export interface TrainingData {
  readonly data: TokenSet | TokenSource;
  /** See `countPatches`; `undefined` for a set in memory, for models without patches, and with `patchCounts: false`. */
  readonly patchCounts: Uint16Array | undefined;
}

/** Largest size of tokens in one safetensors file that are read into memory, in bytes. */
const bytesInMemory = 1 << 26;

/**
 * Opens tokenized data for a model. A small safetensors file is read into memory. Other data stay on disk, and a worker
 * thread reads them batch by batch. If patches are made of entropies, missing ones are computed with `entropyCheckpoint`.
 * @throws DparError or IoError if the data are missing or damaged, or entropies are missing or stale.
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

  const found = await findTokenLayout(paths.tokens);
  const { entropies: _, ...bare } = found;
  const layout = model.kind.needsEntropies(model.config) ? await withAllEntropies(engine, found, paths, options) : bare;
  const data = fitsInMemory(layout) ? await readSet(layout) : createWorkerSource(layout);
  // The trainer reports missing entropies.
  const countable =
    options.patchCounts !== false &&
    isTokenSource(data) &&
    (data.hasEntropies || !model.kind.needsEntropies(model.config));
  if (!countable) return { data, patchCounts: undefined };
  const onProgress = (done: number, total: number) => options.onProgress?.({ stage: 'patches', done, total });
  return { data, patchCounts: await countPatches(model, data, { signal: options.signal, onProgress }) };
}

/** The layout with its entropies, after missing ones are computed. */
async function withAllEntropies(
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
    const model = await loadModel(entropyCheckpoint, { kinds: entropySourceKinds });
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
  const { images: _, ...set } = await createDiskSource(layout).load(all, new Int32Array(all.length));
  return set;
}
