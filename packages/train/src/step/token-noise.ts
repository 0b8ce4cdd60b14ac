import { type HostTensorOf, int32 } from '@dpar/tensor';
import { randomStream } from '../batches/batch-order.js';
import { int32Kinds } from '../batches/token-set.js';
import { checkArguments } from '../check-arguments.js';

/**
 * Tokens for a model to read while it learns to predict the right ones: each is replaced by any code with some probability. A
 * model that has only read tokens of real images goes astray after its first unusual draw; one that has also read wrong
 * tokens finds its way back. Taming Transformers (Esser et al., 2021) trains so, with `pkeep` in place of 1 - probability.
 * @param tokens int32 [B, T]
 * @param codes Number of codes, V.
 * @param probability 0 to below 1
 * @param step Each step has its own replacements, a function of the seed.
 * @returns int32 [B, T], a new tensor
 */
export function noisyTokens(
  tokens: HostTensorOf<'int32'>,
  codes: number,
  probability: number,
  seed: number,
  step: number,
): HostTensorOf<'int32'> {
  checkArguments(
    'noisyTokens',
    { tokens, codes, probability, seed, step },
    { tokens: int32Kinds, codes: 'number', probability: 'number', seed: 'number', step: 'number' },
  );

  const random = randomStream(seed, 'tokenNoise', step);
  const noisy = tokens.data.map((token) => {
    // One number for each token, so that a part of a batch can be drawn alone. Below the probability it is uniform again.
    const drawn = random.uniform();
    return drawn < probability ? Math.floor((drawn / probability) * codes) : token;
  });
  return int32(tokens.shape, noisy);
}
