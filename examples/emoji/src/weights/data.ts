import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stages } from '@dpar/example-kit';
import { augment, encodeAll, type ImageSet, loadEmoji } from '@dpar/example-kit/emoji';
import { writeCheckpoint, writeSafetensors } from '@dpar/io/node';
import { loadModel } from '@dpar/model/node';
import { type Engine, type HostTensorOf, int32 } from '@dpar/tensor';
import { createTokenizer, type ImageTokenizer, patchVqKind } from '@dpar/tokenizer';
import { fitTokenizer } from '../stages/tokenizer.js';
import type { ShippedSettings } from './settings.js';

/** Prepared training data. */
export interface PreparedData {
  readonly classes: readonly string[];
  /** Tokens of the unchanged training images: int32 [N, T]. */
  readonly tokens: HostTensorOf<'int32'>;
}

/**
 * Reads the emoji, fits the tokenizer, and writes tokens: `data/train/` with all variants of each image, and
 * `data/validation/`. Files of an earlier run are kept.
 */
export async function prepareData(
  engine: Engine,
  folder: string,
  settings: ShippedSettings,
  stages: Stages,
): Promise<PreparedData> {
  const { seed, variants, tokenizer: vq } = settings;
  const emoji = await stages.run('Images', 1, (progress) => loadEmoji(settings.images, progress));
  const { classes, train, validation } = emoji;
  const checkpoint = join(folder, 'tokenizer');
  if (!existsSync(checkpoint)) {
    const parameters = await fitTokenizer(engine, train.pixels, vq, seed, stages);
    await writeCheckpoint(checkpoint, patchVqKind.writeConfig(vq.config), parameters);
  }
  const tokenizer = createTokenizer(engine, await loadModel(checkpoint, { kinds: [patchVqKind] }));
  const tokens = await stages.run('Images to tokens', 1, async () => {
    await writeTokens(join(folder, 'data', 'validation'), tokenizer, validation, 1);
    return writeTokens(join(folder, 'data', 'train'), tokenizer, augment(train, classes, variants, seed), variants);
  });
  return { classes, tokens };
}

/**
 * Writes one shard with `tokens` [N, V, T] and `labels` [N].
 * @param images V N images, variant by variant.
 * @returns Tokens of the first variant: int32 [N, T].
 */
async function writeTokens(
  folder: string,
  tokenizer: ImageTokenizer,
  { pixels, labels }: ImageSet,
  V: number,
): Promise<HostTensorOf<'int32'>> {
  const N = labels.length / V;
  const encoded = await encodeAll(tokenizer, pixels); // [V N, T]
  const T = encoded.shape[1] ?? 0;
  const tokens = int32([N, V, T]);
  for (let i = 0; i < N * V; i++) {
    const [variant, image] = [Math.floor(i / N), i % N];
    tokens.data.set(encoded.data.subarray(i * T, (i + 1) * T), (image * V + variant) * T);
  }
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'tokens.safetensors');
  if (!existsSync(path)) await writeSafetensors(path, { tokens, labels: int32([N], labels.slice(0, N)) });
  return int32([N, T], encoded.data.subarray(0, N * T));
}
