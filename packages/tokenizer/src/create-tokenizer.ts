import { checkedParameters, type DescribedGraph, floats, integers, type ModelOfKind, modelArgument } from '@dpar/nn';
import { DparError, type Engine } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import {
  type ImageTokenizer,
  type TokenizerKind,
  type TokenizerOptions,
  tokenizerOptionsKinds,
} from './tokenizer-kind.js';

/** Kind, configuration and weights of a tokenizer. */
export type TokenizerModel = ModelOfKind<TokenizerKind>;

/**
 * Creates the tokenizer of a model on an engine.
 * @param model Model of one of `tokenizerKinds`, for example from `loadModel` of `@dpar/model/node`.
 * @throws DparError for a model of another kind, or parameters that do not match the configuration.
 */
export function createTokenizer(engine: Engine, model: TokenizerModel, options: TokenizerOptions = {}): ImageTokenizer {
  checkArguments(
    'createTokenizer',
    { engine, model, options },
    { engine: 'Engine', model: modelArgument, 'options?': tokenizerOptionsKinds },
  );

  checkKind('createTokenizer', model.kind);
  return model.kind.create(engine, model.config, checkedParameters(model), options);
}

/** @throws DparError for a kind of model that is not a tokenizer. */
function checkKind(caller: string, { name, create }: TokenizerKind): void {
  if (typeof create === 'function') return;
  throw new DparError(
    `${caller}: expected the model of a tokenizer, got a model of kind "${name}". ` +
      'Load it with the kinds of tokenizers: loadModel(folder, { kinds: tokenizerKinds }).',
  );
}

/** Graphs `encode` and `decode` of a tokenizer, for export. @throws DparError for a model of another kind. */
export function tokenizerGraphs(model: TokenizerModel): DescribedGraph[] {
  checkArguments('tokenizerGraphs', { model }, { model: modelArgument });
  const { kind, config, parameters } = model;
  checkKind('tokenizerGraphs', kind);
  const { imageSize: S, codebookSize } = config;
  const T = (S / kind.pixelsPerCode(config)) ** 2;
  const codes = `codes 0 to ${codebookSize - 1} in raster order`;
  const encoded: Record<string, string> = { codes: `[batch, ${T}]: ${codes}` };
  if (kind.hasLatents) encoded.latent = 'output of the encoder, before codes are looked up';
  const common = { parameters, config: kind.writeConfig(config) };
  return [
    {
      ...common,
      name: 'encode',
      description: 'Image tokenizer: from images to codes.',
      fn: kind.encodeFunction(config),
      inputs: { image: floats(['batch', 3, S, S], 'red, green and blue in -1..1: byte / 127.5 - 1') },
      outputs: encoded,
    },
    {
      ...common,
      name: 'decode',
      description: 'Image tokenizer: from codes to images.',
      fn: kind.decodeFunction(config),
      inputs: { codes: integers(['batch', T], codes) },
      outputs: { image: `[batch, 3, ${S}, ${S}]: red, green and blue in about -1..1: byte = clip((x + 1) * 127.5)` },
    },
  ];
}
