import type { EntropyModelConfig, entropyKind } from '@dpar/entropy';
import { parseSafetensors, toHostTensors } from '@dpar/io';
import type { DparConfig, dparKind, LlamaGenConfig, llamaGenKind } from '@dpar/model';
import { kindOfConfig, type ModelOfKind, modelOf } from '@dpar/nn';
import type { HostTensor } from '@dpar/tensor';
import type { TokenizerConfig, TokenizerKind, TokenizerModel } from '@dpar/tokenizer';
import type { PageManifest, PagePart } from '../manifest.js';
import { partKinds } from '../part-kinds.js';

/** Models of the page by their names. */
export interface Models {
  readonly tokenizer: TokenizerModel;
  readonly dpar: ModelOfKind<typeof dparKind>;
  readonly entropy: ModelOfKind<typeof entropyKind>;
  readonly llamagen: ModelOfKind<typeof llamaGenKind>;
}

/** Configurations of the models that there are. */
export interface Configs {
  readonly tokenizer: { readonly kind: TokenizerKind; readonly config: TokenizerConfig };
  readonly dpar: DparConfig;
  readonly entropy?: EntropyModelConfig | undefined;
  readonly llamagen?: LlamaGenConfig | undefined;
}

/** Models whose weights are read on request. */
export interface OpenModel {
  readonly configs: Configs;
  /** Number of classes, without words. */
  readonly classes: number;
  /** Reads the weights of one of the models. @throws Error if there is none, or if its files are missing or damaged. */
  load<Name extends keyof Models>(name: Name): Promise<Models[Name]>;
}

/**
 * Reads the configurations of a page's models.
 * @param read Reads a whole file.
 * @throws DparError for a wrong configuration.
 */
export function openModel(
  { parts, model }: Pick<PageManifest, 'parts' | 'model'>,
  read: (file: string) => Promise<Uint8Array>,
): OpenModel {
  const kindOf = (name: keyof Models, { config }: PagePart) => kindOfConfig('openModel', partKinds[name], config, name);
  const configOf = (name: keyof Models): object | undefined => {
    const part = parts[name];
    return part && kindOf(name, part).readConfig(part.config);
  };
  const tokenizerKind = kindOf('tokenizer', parts.tokenizer) as TokenizerKind;
  return {
    configs: {
      tokenizer: { kind: tokenizerKind, config: tokenizerKind.readConfig(parts.tokenizer.config) },
      dpar: configOf('dpar') as DparConfig,
      entropy: configOf('entropy') as EntropyModelConfig | undefined,
      llamagen: configOf('llamagen') as LlamaGenConfig | undefined,
    },
    classes: model.classes.length,
    async load<Name extends keyof Models>(name: Name) {
      const part = parts[name];
      if (part === undefined)
        throw new Error(`This page has no model '${name}'. Write it again from a folder that has it.`);
      const files = await Promise.all(part.weights.map(async ({ file }) => parseSafetensors(await read(file)).tensors));
      const parameters: Record<string, HostTensor> = Object.assign(
        {},
        ...files.map((tensors) => toHostTensors(tensors)),
      );
      return modelOf(kindOf(name, part), part.config, parameters) as ModelOfKind<never> as Models[Name];
    },
  };
}
