import type { KindsOf } from '@dpar/check';
import { entropySourceOf, type ImageModel, modelArgument } from '@dpar/nn';
import { type Engine, float32, type HostTensorOf, named } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { sizeOfSet, type TokenSet, takeRows, tokenSetKinds } from './token-set.js';

/** Options of {@link entropiesOfSet}. */
export interface EntropyOptions {
  /** Number of images at a time (default 16). */
  readonly batchSize?: number | undefined;
  /** Called after each batch with the number of finished images. */
  readonly onProgress?: ((done: number, images: number) => void) | undefined;
  /** Stops between batches when aborted. */
  readonly signal?: AbortSignal | undefined;
}

const entropyOptionsKinds: KindsOf<EntropyOptions> = {
  'batchSize?': 'number',
  'onProgress?': 'function',
  'signal?': 'AbortSignal',
};

/** Computes entropies of any number of sets with one compiled graph. */
export interface EntropyComputer {
  /**
   * @param tokens int32 [N, T]
   * @returns float32 [N, T - 1]: entry j belongs to the prediction of token j + 1, nats
   * @throws The signal's reason if it is aborted.
   */
  run(
    tokens: HostTensorOf<'int32'>,
    options?: Pick<EntropyOptions, 'onProgress' | 'signal'>,
  ): Promise<HostTensorOf<'float32'>>;
  dispose(): Promise<void>;
}

/**
 * Compiles the entropies of an entropy model, or of the boundary head of a DPAR model.
 * @param batchSize Number of images at a time (default 16).
 * @throws DparError for a model that computes no entropies.
 */
export function entropyComputer(engine: Engine, model: ImageModel, batchSize = 16): EntropyComputer {
  const source = entropySourceOf('entropyComputer', model);
  const read = Object.entries(model.parameters).filter(([name]) => source.reads(name));
  const compiled = engine.compile(
    (ops, inputs) => ({ entropies: source.entropies(ops, model.config, inputs) }),
    // Patches depend on these values, so that they must not depend on the batch size.
    { constants: Object.fromEntries(read), batchInvariant: true },
  );
  return {
    async run(tokens, { onProgress, signal } = {}) {
      const [images = 0, tokensPerImage = 0] = tokens.shape;
      const predicted = tokensPerImage - 1;
      const result = float32([images, predicted]);
      for (let start = 0; start < images; start += batchSize) {
        signal?.throwIfAborted();
        const count = Math.min(batchSize, images - start);
        // The last batch is padded, so that one graph serves all batches.
        const rows = Int32Array.from({ length: batchSize }, (_, i) => start + Math.min(i, count - 1));
        const entropies = named(await compiled.run({ tokens: takeRows(tokens, rows) }), 'entropies');
        result.data.set(entropies.data.subarray(0, count * predicted), start * predicted);
        onProgress?.(start + count, images);
      }
      return result;
    },
    dispose: () => compiled.dispose(),
  };
}

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
  const computer = entropyComputer(engine, model, Math.min(batchSize, sizeOfSet(set).images));
  try {
    return await computer.run(set.tokens, rest);
  } finally {
    await computer.dispose();
  }
}
