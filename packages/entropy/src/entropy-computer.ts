import type { KindsOf } from '@dpar/check';
import { entropySourceOf, type ImageModel, modelArgument } from '@dpar/nn';
import { DparError, type Engine, float32, formatType, type HostTensorOf, int32, named } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/** Options of {@link EntropyComputer.run}. */
export interface EntropyRunOptions {
  /** Called after each batch with the number of finished images. */
  readonly onProgress?: ((done: number, images: number) => void) | undefined;
  /** Stops between batches when aborted. */
  readonly signal?: AbortSignal | undefined;
}

const runOptionsKinds: KindsOf<EntropyRunOptions> = { 'onProgress?': 'function', 'signal?': 'AbortSignal' };

/** Computes entropies of any number of images of T tokens with one compiled graph. */
export interface EntropyComputer {
  /**
   * @param tokens int32 [N, T]
   * @returns float32 [N, T - 1]: entry j belongs to the prediction of token j + 1, nats
   * @throws DparError for other tensors; the signal's reason if it is aborted.
   */
  run(tokens: HostTensorOf<'int32'>, options?: EntropyRunOptions): Promise<HostTensorOf<'float32'>>;
  /** Frees the compiled function. */
  dispose(): Promise<void>;
}

/**
 * Compiles the entropies of an entropy model, or of the boundary head of a DPAR model.
 * @param batchSize Number of images at a time (default 16).
 * @throws DparError for a model that computes no entropies.
 */
export function createEntropyComputer(engine: Engine, model: ImageModel, batchSize = 16): EntropyComputer {
  checkArguments(
    'createEntropyComputer',
    { engine, model, batchSize },
    { engine: 'Engine', model: modelArgument, 'batchSize?': 'number' },
  );
  const source = entropySourceOf('createEntropyComputer', model);
  const read = Object.entries(model.parameters).filter(([name]) => source.reads(name));
  const compiled = engine.compile(
    (ops, inputs) => ({ entropies: source.entropies(ops, model.config, inputs) }),
    // Patches depend on these values, so that they must not depend on the batch size.
    { constants: Object.fromEntries(read), batchInvariant: true },
  );
  return {
    async run(tokens, options = {}) {
      checkArguments('EntropyComputer.run', { tokens, options }, { tokens: 'HostTensor', 'options?': runOptionsKinds });
      const { onProgress, signal } = options;
      const [images = 0, T = 0] = tokens.shape;
      if (tokens.dtype !== 'int32' || tokens.shape.length !== 2) {
        throw new DparError(
          `EntropyComputer.run: expected tokens int32[N, T], got ${formatType(tokens)}. Check 'tokens'.`,
        );
      }
      const result = float32([images, T - 1]);
      for (let start = 0; start < images; start += batchSize) {
        signal?.throwIfAborted();
        const count = Math.min(batchSize, images - start);
        // The last batch is padded, so that one graph serves all batches.
        const batch = new Int32Array(batchSize * T);
        for (let i = 0; i < batchSize; i++) {
          const image = start + Math.min(i, count - 1);
          batch.set(tokens.data.subarray(image * T, (image + 1) * T), i * T);
        }
        const entropies = named(await compiled.run({ tokens: int32([batchSize, T], batch) }), 'entropies');
        result.data.set(entropies.data.subarray(0, count * (T - 1)), start * (T - 1));
        onProgress?.(start + count, images);
      }
      return result;
    },
    dispose: () => compiled.dispose(),
  };
}
