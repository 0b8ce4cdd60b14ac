import { type EntropyModelConfig, readEntropyModelConfig } from '@dpar/entropy';
import { entropiesOfSet, sizeOfSet, type TokenSet } from '@dpar/train';
import type { Context } from './context.js';
import { loadModel } from './model.js';
import { readTensors, tokensFor } from './tokens.js';

/** Tokens with their entropies. */
export interface TokensWithEntropies {
  readonly set: Required<TokenSet>;
  readonly config: EntropyModelConfig;
  readonly seconds: number;
}

/** Reads tokens and computes their entropies, with progress. */
export async function computeEntropies(
  { checkpoint, input, batchSize }: { checkpoint: string; input: string; batchSize: number },
  context: Context,
): Promise<TokensWithEntropies> {
  const engine = await context.engine();
  const { model, config: json, parameters } = await loadModel(checkpoint, ['entropy']);
  const config = readEntropyModelConfig(json);
  const set = tokensFor(model, await readTensors(input), `'${input}'`);
  const progress = context.progress({ label: 'entropy', unit: 'images', total: sizeOfSet(set).images });
  const begin = performance.now();
  try {
    const onProgress = (done: number): void => progress.update(done);
    const options = { batchSize, signal: context.signal, onProgress };
    const entropies = await entropiesOfSet(engine, config, parameters, set, options);
    return { set: { ...set, entropies }, config, seconds: (performance.now() - begin) / 1000 };
  } finally {
    progress.stop();
  }
}
