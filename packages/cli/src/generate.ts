import { readEntropyModelConfig } from '@dpar/entropy';
import { readDparConfig, readLlamaGenConfig } from '@dpar/model';
import { padPatchLengths } from '@dpar/patchify';
import { collectTokens, type DparSampleOptions, DparSampler, LlamaGenSampler, type SampleStep } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import { UsageError } from './errors.js';
import { loadModel } from './model.js';
import type { TokenGrid } from './tokenizer.js';

/** A loaded model that generates. */
export interface Generator extends TokenGrid {
  readonly kind: 'dpar' | 'llamagen';
  readonly numClasses: number;
  steps(options: DparSampleOptions): AsyncIterable<SampleStep>;
}

/** Generated tokens of some images. */
export interface Generated {
  /** [N, T] */
  readonly tokens: Int32Array;
  /** [N, T]: patch lengths of each image, padded with zeros; all 1 for a model without patches. */
  readonly patchLengths: Int32Array;
}

/**
 * Loads the model of a checkpoint, and the entropy model that its patches need.
 * @throws UsageError if that one is missing.
 */
export async function loadGenerator(
  engine: Engine,
  checkpoint: string,
  entropyCheckpoint: string | undefined,
): Promise<Generator> {
  const { model, config: json, parameters } = await loadModel(checkpoint, ['dpar', 'llamagen']);
  if (model.kind === 'llamagen') {
    const config = readLlamaGenConfig(json);
    const sampler = new LlamaGenSampler(engine, config, parameters);
    return { ...config, kind: 'llamagen', steps: (options) => sampler.steps(options) };
  }
  const config = readDparConfig(json);
  const needed = config.patching.mode === 'entropy_row_boundary';
  if (needed && entropyCheckpoint === undefined) {
    throw new UsageError(`expected --entropy-checkpoint DIR for '${checkpoint}' (patches by entropy), got none.`);
  }
  const entropy =
    needed && entropyCheckpoint !== undefined ? await loadModel(entropyCheckpoint, ['entropy']) : undefined;
  const entropyModel = entropy && { config: readEntropyModelConfig(entropy.config), parameters: entropy.parameters };
  const sampler = new DparSampler(engine, { config, parameters }, entropyModel);
  return { ...config, kind: 'dpar', steps: (options) => sampler.steps(options) };
}

/** Generates a batch. @param onToken Called after each token of all images, with the number of tokens done for each. */
export async function generateBatch(
  generator: Generator,
  options: DparSampleOptions,
  onToken: (position: number) => void,
): Promise<Generated> {
  const { blockSize: T } = generator;
  const N = options.labels.length;
  const { tokens, patchLengths: lengths } = await collectTokens(generator.steps(options), N, T, onToken);
  const patchLengths = padPatchLengths(lengths, T).data;
  return { tokens, patchLengths };
}
