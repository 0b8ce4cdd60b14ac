import { createHash } from 'node:crypto';
import type { Batch, TokenSet } from '../batches/token-set.js';
import { isTokenSource, type TokenSource } from '../batches/token-source.js';

/** Keys of the configuration that name data. Their contents count, not their place. */
export const dataPathKeys = [
  'tokens',
  'images',
  'entropies',
  'entropy_checkpoint',
  'validation',
  'validation_entropies',
] as const;

/** Key of the network of a perceptual loss, whose contents count too. */
export const perceptualNetworkKey = 'loss.perceptual.network';

/** Number of images of a source that enter its digest. */
const samples = 64;

/**
 * Digests of training and validation data, by the configuration's keys. A set in memory enters its digest whole. Of a
 * source, the sizes and 64 evenly spread images enter it, because reading the whole source would take too long.
 */
export async function dataIdentity(
  training: TokenSet | TokenSource,
  validation: TokenSet | TokenSource | undefined,
): Promise<Record<string, string>> {
  const digests = await digestsOf(training, 'data.tokens', 'data.entropies');
  if (validation === undefined) return digests;
  return { ...digests, ...(await digestsOf(validation, 'data.validation', 'data.validation_entropies')) };
}

async function digestsOf(
  data: TokenSet | TokenSource,
  key: string,
  entropiesKey: string,
): Promise<Record<string, string>> {
  const { tokens, labels, entropies } = isTokenSource(data) ? await sampleOf(data) : data;
  const sizes = isTokenSource(data) ? [data.images, data.variants] : [];
  const digests: Record<string, string> = {};
  digests[key] = digest(JSON.stringify([tokens.shape, ...sizes]), tokens.data, labels.data);
  if (entropies !== undefined) digests[entropiesKey] = digest(entropies.data);
  return digests;
}

/** Batches of {@link sampleOf}, so that the check and the digest read a source only once. */
const sampled = new WeakMap<TokenSource, Promise<Batch>>();

/** 64 evenly spread images of a source, with the first and the last. */
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
