import { statSync } from 'node:fs';
import { entropySourceKinds } from '@dpar/model';
import { loadModel } from '@dpar/model/node';
import type { ImageArchitecture, ImageConfig } from '@dpar/nn';
import { int32 } from '@dpar/tensor';
import { checkTokenSet, entropiesOfSet, sizeOfSet, type TokenSet } from '@dpar/train';
import { createDiskSource, findTokenLayout } from '@dpar/train/node';
import type { Context } from './command/command.js';
import { readTensors, tokensFor } from './input-files.js';

/** Tokens of images with their entropies. */
export interface TokensWithEntropies {
  readonly set: Required<TokenSet>;
  readonly config: ImageConfig;
  readonly seconds: number;
}

/**
 * Reads tokens and computes their entropies, with progress.
 * @param input A safetensors file, or a folder of shards, of which all images in all variants are read.
 */
export async function computeEntropies(
  { checkpoint, input, batchSize }: { checkpoint: string; input: string; batchSize: number },
  context: Context,
): Promise<TokensWithEntropies> {
  const engine = await context.engine();
  const model = await loadModel(checkpoint, { kinds: entropySourceKinds });
  const { config } = model;
  const set = await readSet(model, input);
  const progress = context.progress({ label: 'entropy', unit: 'images', total: sizeOfSet(set).images });
  const begin = performance.now();
  try {
    const onProgress = (done: number): void => progress.update(done);
    const options = { batchSize, signal: context.signal, onProgress };
    const entropies = await entropiesOfSet(engine, model, set, options);
    return { set: { ...set, entropies }, config, seconds: (performance.now() - begin) / 1000 };
  } finally {
    progress.stop();
  }
}

async function readSet(model: ImageArchitecture, input: string): Promise<TokenSet> {
  if (statSync(input, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return tokensFor(model, await readTensors(input), `'${input}'`);
  }
  const layout = await findTokenLayout(input);
  const sequences = layout.images * layout.variants;
  const tokens = await createDiskSource(layout).readTokens(0, layout.images);
  const set = { tokens: int32([sequences, layout.tokensPerImage], tokens), labels: int32([sequences]) };
  checkTokenSet(model, set, `'${input}'`);
  return set;
}
