import { join } from 'node:path';
import type { ImageArchitecture } from '@dpar/nn';
import { createRandom, float32, int32 } from '@dpar/tensor';
import { writeTokenSet } from '@dpar/train/node';
import { randomEntropies } from '../patches.js';
import { meanPatches } from './models.js';

const images = 64;
const shards = 2;

/** Numbers of patches for which batches are padded to the same number, so that they share one graph. */
const patchCounts = Array.from({ length: images }, (_, i) => meanPatches + (i % 5) - 2);

/** Writes shards of random tokens, classes and entropies for a model, 64 images in all. */
export async function writeShards(folder: string, { config }: ImageArchitecture) {
  const { blockSize: T, vocabSize, numClasses } = config;
  const random = createRandom(4);
  const entropies = randomEntropies(patchCounts, 6);
  const count = images / shards;
  for (let shard = 0; shard < shards; shard++) {
    const below = (size: number, limit: number) => Int32Array.from({ length: size }, () => random.integer(limit));
    const tokens = int32([count, T], below(count * T, vocabSize));
    const labels = int32([count], below(count, numClasses));
    const values = entropies.slice(shard * count, (shard + 1) * count).flatMap((image) => [...image]);
    const name = join(folder, `tokens-${shard}.safetensors`);
    await writeTokenSet(name, { tokens, labels, entropies: float32([count, T - 1], values) });
  }
}
