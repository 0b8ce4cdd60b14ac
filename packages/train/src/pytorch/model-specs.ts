import type { ParameterSpecs } from '@dpar/nn';
import { patchVqSpecs, readPatchVqConfig, readVqConfig, vqSpecs } from '@dpar/tokenizer';
import { trainableModel } from '../batches/trainable.js';
import { checkArguments } from '../check-arguments.js';

/**
 * The parameters of what a config.json describes, in the official order: a model, or a tokenizer.
 * @throws DparError for another kind, or a key that is wrong.
 */
export function specsOf(config: Readonly<Record<string, unknown>>): ParameterSpecs {
  checkArguments('specsOf', { config }, { config: 'object' });

  if (config.kind === 'vq') return vqSpecs(readVqConfig(config));
  if (config.kind === 'patch-vq') return patchVqSpecs(readPatchVqConfig(config));
  return trainableModel(config).specs;
}
