import { llamaGenMemory } from '@dpar/model';
import type { Sample } from '../benchmark.js';
import { availableBytes } from '../machine.js';
import { PythonPeer } from '../peers/python-peer.js';
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
  const settings = { model: llamaGenArguments(config), images: variant.batch, variants: ['eager', 'compiled'] };
  const python = await PythonPeer.start('sample.py', { threads, settings });
  if (typeof python === 'string' || !python.has('eager')) return {};
  try {
    const torchTokensPerSecond = await tokensPerSecond(python, 'eager');
    // Without a C++ compiler it fails.
    const compiled = await tokensPerSecond(python, 'compiled').catch(() => undefined);
    return { torchTokensPerSecond, ...(compiled !== undefined && { torchCompiledTokensPerSecond: compiled }) };
  } finally {
    await python.stop();
  }

  async function tokensPerSecond(peer: PythonPeer, name: string): Promise<number> {
    await peer.seconds(name);
    return (variant.batch * config.blockSize) / (await peer.seconds(name));
  }
}
