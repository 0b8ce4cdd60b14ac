import { type EntropyModelConfig, entropyModel } from '@dpar/entropy';
import { type Engine, float32, type HostTensor, type HostTensorOf, named, type Tensors } from '@dpar/tensor';
import { sizeOfSet, type TokenSet, takeImages } from './token-set.js';

/** Settings of {@link entropiesOfSet}. */
export interface EntropyOptions {
  /** Images at a time (default 16). */
  readonly batchSize?: number;
  /** Called after each batch. */
  readonly onProgress?: (done: number, images: number) => void;
  /** Stops between batches. */
  readonly signal?: AbortSignal;
}

/**
 * Entropies of an entropy model's predictions for all images of a set, nats.
 * @returns float32 [N, T - 1]: entry j belongs to the prediction of token j + 1
 * @throws The signal's reason if it is aborted.
 */
export async function entropiesOfSet(
  engine: Engine,
  config: EntropyModelConfig,
  parameters: Tensors<HostTensor>,
  set: Pick<TokenSet, 'tokens' | 'labels'>,
  options: EntropyOptions = {},
): Promise<HostTensorOf<'float32'>> {
  const { images, tokensPerImage } = sizeOfSet(set);
  const batchSize = Math.min(options.batchSize ?? 16, images);
  const predicted = tokensPerImage - 1;
  const result = float32([images, predicted]);
  const compiled = engine.compile(
    (ops, inputs) => ({ entropies: entropyModel(ops, config, inputs, named(inputs, 'tokens')).entropies }),
    { constants: parameters },
  );
  try {
    for (let start = 0; start < images; start += batchSize) {
      options.signal?.throwIfAborted();
      const count = Math.min(batchSize, images - start);
      // The last batch is filled up, so that one graph does for all.
      const batch = takeImages(
        set,
        Int32Array.from({ length: batchSize }, (_, i) => start + Math.min(i, count - 1)),
      );
      const entropies = named(await compiled.run({ tokens: batch.tokens }), 'entropies');
      result.data.set(entropies.data.subarray(0, count * predicted), start * predicted);
      options.onProgress?.(start + count, images);
    }
  } finally {
    await compiled.dispose();
  }
  return result;
}
