import { llamaGenMemory } from '@dpar/model';
import type { Sample } from '../benchmark.js';
import { availableBytes } from '../machine.js';
import { runPython } from '../python.js';
import { llamaGenArguments } from '../training/models.js';
import { imagesOf, llamaGenConfig, type Variant } from './variant.js';

/** Bytes of PyTorch itself, with its compiler. */
const programBytes = 2 ** 30;

/** True for models that `python/sample.py` runs: a LlamaGen in float32, without a queue. */
export function isInPytorch(variant: Variant): boolean {
  return variant.patches === undefined && variant.weights === 'float32' && imagesOf(variant) === variant.batch;
}

/**
 * Measures the generation of {@link isInPytorch} models in PyTorch: `torchTokensPerSecond` (eager) and
 * `torchCompiledTokensPerSecond` (`torch.compile`, if it works).
 * @returns No figures if the memory does not suffice.
 */
export async function sampleInPytorch(variant: Variant, threads: number): Promise<Sample> {
  const config = llamaGenConfig(variant);
  const { weights, cache } = llamaGenMemory(config, variant.batch);
  if (weights + 2 * cache + programBytes > availableBytes()) return {};
  const inputs = [...llamaGenArguments(config, variant.batch), threads];
  const { tokensPerSecond, compiledTokensPerSecond } =
    (await runPython('sample.py', inputs, { threads, packages: 'torch' })) ?? {};
  return {
    ...(tokensPerSecond !== undefined && { torchTokensPerSecond: tokensPerSecond }),
    ...(compiledTokensPerSecond !== undefined && { torchCompiledTokensPerSecond: compiledTokensPerSecond }),
  };
}
