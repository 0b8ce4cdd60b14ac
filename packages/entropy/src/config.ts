import {
  argumentKinds,
  type Field,
  type Fields,
  type GptConfig,
  gptSpecs,
  type ParameterSpecs,
  readConfig,
  stackFields,
  wholeNumber,
  writeConfig,
} from '@dpar/nn';
import { checkArguments } from './check-arguments.js';

/** The entropy model: an unconditional GPT over image tokens. */
export interface EntropyModelConfig extends GptConfig {
  /** No class token. */
  readonly clsTokenNum: 0;
}

/** Keys of an entropy model's config.json. */
export const entropyModelFields: Fields<EntropyModelConfig> = {
  ...stackFields,
  clsTokenNum: wholeNumber(0, 0) as Field<0>,
};

/** Kinds of {@link EntropyModelConfig}. */
export const entropyModelConfigKinds = argumentKinds(entropyModelFields);

/**
 * Reads an entropy model's config.json.
 * @throws DparError naming the key that is wrong.
 */
export function readEntropyModelConfig(json: unknown): EntropyModelConfig {
  checkArguments('readEntropyModelConfig', { json }, { 'json?': 'any' });

  return { ...readConfig('readEntropyModelConfig', json, entropyModelFields), clsTokenNum: 0 };
}

/** The config.json of an entropy model. */
export function writeEntropyModelConfig(config: EntropyModelConfig): Record<string, unknown> {
  checkArguments('writeEntropyModelConfig', { config }, { config: entropyModelConfigKinds });

  return { kind: 'entropy', ...writeConfig(config) };
}

/** Parameters of an entropy model under their official names. */
export function entropyModelSpecs(config: EntropyModelConfig): ParameterSpecs {
  checkArguments('entropyModelSpecs', { config }, { config: entropyModelConfigKinds });

  return gptSpecs(config);
}

/** Sizes of the paper: GPT-B (110M), about half of it (Table S5), and small ones that train on a CPU. */
export const entropyModelPresets = {
  B: { dim: 768, nLayer: 12, nHead: 12 },
  S: { dim: 512, nLayer: 10, nHead: 8 },
  T: { dim: 512, nLayer: 6, nHead: 8 },
  nano: { dim: 192, nLayer: 3, nHead: 3 },
} as const;
