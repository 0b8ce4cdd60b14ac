import { DparError, type Engine, type HostTensor, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import type { ImageTokenizer } from './image-tokenizer.js';
import { readPatchVqConfig } from './patch-vq/config.js';
import { createPatchVq } from './patch-vq/tokenizer.js';
import { readVqConfig } from './vq/config.js';
import { createVq, type VqOptions, vqOptionsKinds } from './vq/tokenizer.js';

/**
 * The tokenizer that a checkpoint describes, whichever it is.
 * @param config config.json, with its `kind`: `vq` or `patch-vq`.
 * @param options For `vq`.
 * @throws DparError for another kind, or parameters that are not those of the configuration.
 */
export function createTokenizer(
  engine: Engine,
  config: { readonly kind?: unknown },
  parameters: Tensors<HostTensor>,
  options: VqOptions = {},
): ImageTokenizer {
  checkArguments(
    'createTokenizer',
    { engine, config, parameters, options },
    { engine: 'Engine', config: { 'kind?': 'any', '*': 'any' }, parameters: 'object', 'options?': vqOptionsKinds },
  );

  if (config.kind === 'vq') return createVq(engine, readVqConfig(config), parameters, options);
  if (config.kind === 'patch-vq') return createPatchVq(engine, readPatchVqConfig(config), parameters);
  throw new DparError(
    `createTokenizer: expected a tokenizer of kind "vq" or "patch-vq", got ${JSON.stringify(config.kind) ?? "no 'kind'"}. ` +
      'Pass the checkpoint of a tokenizer.',
  );
}
