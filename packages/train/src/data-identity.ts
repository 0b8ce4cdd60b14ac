import { fileDigest } from '@dpar/io/node';
import type { TrainConfig } from './train-config.js';

/** Keys of the configuration that name files, whose content counts and not their place. */
export const dataFileKeys = ['tokens', 'entropies', 'validation', 'validation_entropies'] as const;

/** The content of the files that a run learns from: their SHA-256, by the configuration's keys. */
export async function dataIdentity(data: TrainConfig['data']): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const key of dataFileKeys) {
    const path = data[key];
    if (path !== undefined) digests[`data.${key}`] = `sha256:${await fileDigest(path)}`;
  }
  return digests;
}
