import { DparError, type Engine, type HostTensor, type Tensors } from '@dpar/tensor';
import type { ImageTokenizer } from './image-tokenizer.js';
import { readPatchVqConfig } from './patch-vq/config.js';
import { createPatchVq } from './patch-vq/tokenizer.js';
import { readVqConfig } from './vq/config.js';
import { createVq } from './vq/tokenizer.js';

const makers = {
  vq: (engine: Engine, config: unknown, parameters: Tensors<HostTensor>) =>
    createVq(engine, readVqConfig(config), parameters),
  'patch-vq': (engine: Engine, config: unknown, parameters: Tensors<HostTensor>) =>
    createPatchVq(engine, readPatchVqConfig(config), parameters),
};

/** Kinds of tokenizers, as `kind` in config.json names them. */
export type TokenizerKind = keyof typeof makers;

/** Whether a config.json is that of a tokenizer. */
export function isTokenizerConfig(config: { readonly kind?: unknown }): boolean {
  return typeof config.kind === 'string' && Object.hasOwn(makers, config.kind);
}

/**
 * The tokenizer that a checkpoint describes, whichever it is.
 * @param config config.json, with its `kind`: `vq` or `patch-vq`.
 * @throws DparError for another kind, or parameters that are not those of the configuration.
 */
export function createTokenizer(
  engine: Engine,
  config: { readonly kind?: unknown },
  parameters: Tensors<HostTensor>,
): ImageTokenizer {
  if (isTokenizerConfig(config)) return makers[config.kind as TokenizerKind](engine, config, parameters);
  throw new DparError(
    `createTokenizer: expected a tokenizer of kind "vq" or "patch-vq", got ${JSON.stringify(config.kind) ?? "no 'kind'"}. ` +
      'Pass the checkpoint of a tokenizer.',
  );
}
