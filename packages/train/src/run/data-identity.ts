import { createHash } from 'node:crypto';
import type { Batch, TokenSet } from '../batches/token-set.js';
import { isTokenSource, type TokenSource } from '../batches/token-source.js';

/** Keys of the configuration that name data, whose content counts and not their place. */
export const dataPathKeys = [
  'tokens',
  'entropies',
  'entropy_checkpoint',
  'validation',
  'validation_entropies',
] as const;

/** Images of a source that are looked at. */
const samples = 64;

/**
 * What a run learns from and is validated on, as digests by the configuration's keys: of all of a set in memory; of a
 * source its sizes and 64 of its images, spread evenly, since reading all of it would take too long.
 */
export async function dataIdentity(data: {
  readonly training: TokenSet | TokenSource;
  readonly validation?: TokenSet | TokenSource | undefined;
}): Promise<Record<string, string>> {
  const { training, validation } = data;
  return {
    ...(await digestsOf(training, 'data.tokens', 'data.entropies')),
    ...(validation && (await digestsOf(validation, 'data.validation', 'data.validation_entropies'))),
  };
}

async function digestsOf(data: TokenSet | TokenSource, key: string, entropiesKey: string) {
  const { tokens, labels, entropies } = isTokenSource(data) ? await sampleOf(data) : data;
  const sizes = isTokenSource(data) ? [data.images, data.variants] : [];
  const digests = { [key]: digest(JSON.stringify([tokens.shape, ...sizes]), tokens.data, labels.data) };
  if (entropies !== undefined) digests[entropiesKey] = digest(entropies.data);
  return digests;
}

/** Batches of {@link sampleOf}: a source is read once, to be checked and to be identified. */
const sampled = new WeakMap<TokenSource, Promise<Batch>>();

/** Images of a source that stand for all: 64, the first and the last among them. */
export function sampleOf(source: TokenSource): Promise<Batch> {
  const batch = sampled.get(source) ?? loadSample(source);
  sampled.set(source, batch);
  return batch;
}

function loadSample(source: TokenSource): Promise<Batch> {
  const count = Math.min(samples, source.images);
  const last = Math.max(1, count - 1);
  const images = Int32Array.from({ length: count }, (_, i) => Math.floor((i * (source.images - 1)) / last));
  return source.load(images, new Int32Array(count));
}

function digest(...parts: readonly (string | Int32Array | Float32Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return `sha256:${hash.digest('hex')}`;
}
