import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readCheckpoint, writeCheckpoint, writeSafetensors } from '@dpar/io/node';
import { type Engine, type HostTensorOf, int32 } from '@dpar/tensor';
import { createPatchVq, type ImageTokenizer, writePatchVqConfig } from '@dpar/tokenizer';
import { augment } from '../augment.js';
import { type Emoji, type ImageSet, loadEmoji } from '../emoji.js';
import type { Stages } from '../progress.js';
import { encodeAll, makeCodebook, trainDecoder } from '../stages/tokenizer.js';
import type { ShippedSettings } from './settings.js';

/** Where a run keeps its tokens. */
export interface PreparedData {
  readonly classes: readonly string[];
  /** Tokens of the training images as they are: int32 [N, T]. */
  readonly tokens: HostTensorOf<'int32'>;
}

/**
 * Reads the emoji, fits the tokenizer, and writes tokens: `data/train/` with all variants of each image, `data/validation/`.
 * What an earlier run has written stays.
 */
export async function prepareData(
  engine: Engine,
  folder: string,
  settings: ShippedSettings,
  stages: Stages,
): Promise<PreparedData> {
  const emoji = await stages.run('Images', 1, (progress) =>
    loadEmoji(settings.images, (done, total) => progress.update(done / total)),
  );
  const tokenizer = await fittedTokenizer(engine, folder, emoji, settings, stages);
  const { seed, variants } = settings;
  const tokens = await stages.run('Images to tokens', 1, async () => {
    await writeTokens(join(folder, 'data', 'validation'), tokenizer, emoji.validation, emoji.classes, {
      variants: 1,
      seed,
    });
    return writeTokens(join(folder, 'data', 'train'), tokenizer, emoji.train, emoji.classes, { variants, seed });
  });
  return { classes: emoji.classes, tokens };
}

async function fittedTokenizer(
  engine: Engine,
  folder: string,
  { train }: Emoji,
  { tokenizer: settings, seed }: ShippedSettings,
  stages: Stages,
) {
  const checkpoint = join(folder, 'tokenizer');
  if (!existsSync(checkpoint)) {
    const codebook = await stages.run('Tokenizer: codebook', settings.iterations, (progress) =>
      makeCodebook(engine, train.pixels, settings, seed, progress),
    );
    const parameters = await stages.run('Tokenizer: decoder', settings.steps, (progress) =>
      trainDecoder(engine, train.pixels, codebook, settings, seed, progress),
    );
    await writeCheckpoint(checkpoint, writePatchVqConfig(settings.config), parameters);
  }
  return createPatchVq(engine, settings.config, (await readCheckpoint(checkpoint)).parameters);
}

/** Writes one shard with `tokens` [N, V, T] and `labels` [N]. @returns The first variant: int32 [N, T]. */
async function writeTokens(
  folder: string,
  tokenizer: ImageTokenizer,
  images: ImageSet,
  classes: readonly string[],
  { variants: count, seed }: Pick<ShippedSettings, 'variants' | 'seed'>,
): Promise<HostTensorOf<'int32'>> {
  const N = images.labels.length;
  const encoded = await encodeAll(tokenizer, augment(images, classes, count, seed).pixels); // [V N, T], variant by variant
  const T = encoded.shape[1] ?? 0;
  const tokens = int32([N, count, T]);
  for (let i = 0; i < N * count; i++) {
    const [variant, image] = [Math.floor(i / N), i % N];
    tokens.data.set(encoded.data.subarray(i * T, (i + 1) * T), (image * count + variant) * T);
  }
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'tokens.safetensors');
  if (!existsSync(path)) await writeSafetensors(path, { tokens, labels: int32([N], images.labels) });
  return int32([N, T], encoded.data.subarray(0, N * T));
}
