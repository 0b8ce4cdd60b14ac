import type { KindsOf } from '@dpar/check';
import { createEntropyComputer, type EntropyRunOptions } from '@dpar/entropy';
import { type ImageModel, modelArgument } from '@dpar/nn';
import type { Engine, HostTensorOf } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { sizeOfSet, type TokenSet, tokenSetKinds } from './token-set.js';

/** Options of {@link entropiesOfSet}. */
export interface EntropyOptions extends EntropyRunOptions {
  /** Number of images at a time (default 16). */
  readonly batchSize?: number | undefined;
}

const entropyOptionsKinds: KindsOf<EntropyOptions> = {
  'batchSize?': 'number',
  'onProgress?': 'function',
  'signal?': 'AbortSignal',
};

/**
 * Entropies of an entropy model, or of the boundary head of a DPAR model, for all images of a set, nats.
 * @returns float32 [N, T - 1]: entry j belongs to the prediction of token j + 1
 * @throws DparError for a model that computes no entropies.
 * @throws The signal's reason if it is aborted.
 */
export async function entropiesOfSet(
  engine: Engine,
  model: ImageModel,
  set: Pick<TokenSet, 'tokens' | 'labels'>,
  options: EntropyOptions = {},
): Promise<HostTensorOf<'float32'>> {
  checkArguments(
    'entropiesOfSet',
    { engine, model, set, options },
    {
      engine: 'Engine',
      model: modelArgument,
      set: tokenSetKinds,
      'options?': entropyOptionsKinds,
    },
  );

  const { batchSize = 16, ...rest } = options;
  const computer = createEntropyComputer(engine, model, Math.min(batchSize, sizeOfSet(set).images));
  try {
    return await computer.run(set.tokens, rest);
  } finally {
    await computer.dispose();
  }
}
