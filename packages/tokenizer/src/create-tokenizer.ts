import { type ModelOfKind, modelArgument } from '@dpar/nn';
import { DparError, type Engine } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import type { ImageTokenizer } from './image-tokenizer.js';
import type { TokenizerKind, TokenizerOptions } from './kinds/tokenizer-kind.js';
import { tokenizerOptionsKinds } from './kinds/tokenizer-kind.js';

/** A tokenizer's kind, configuration and weights. */
export type TokenizerModel = ModelOfKind<TokenizerKind>;

/**
 * A tokenizer on an engine.
 * @param model Of one of `tokenizerKinds`, as `loadModel` of `@dpar/model/node` loads it.
 * @throws DparError for a model of another kind, or parameters that are not those of the configuration.
 */
export function createTokenizer(engine: Engine, model: TokenizerModel, options: TokenizerOptions = {}): ImageTokenizer {
  checkArguments(
    'createTokenizer',
    { engine, model, options },
    { engine: 'Engine', model: modelArgument, 'options?': tokenizerOptionsKinds },
  );

  const { kind, config, parameters } = model;
  if (typeof kind.create === 'function') return kind.create(engine, config, parameters, options);
  throw new DparError(
    `createTokenizer: expected the model of a tokenizer, got a model of kind "${kind.name}". ` +
      'Load it with the kinds of tokenizers: loadModel(folder, { kinds: tokenizerKinds }).',
  );
}
