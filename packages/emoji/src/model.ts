import { entropyKind } from '@dpar/entropy';
import { parseSafetensors, toHostTensors } from '@dpar/io';
import { dparKind, llamaGenKind } from '@dpar/model';
import { checkParameters, type ModelKind, type ModelOfKind } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { patchVqKind } from '@dpar/tokenizer';
import type { EmojiFiles } from './files.js';

/** Kinds of the models that draw emoji, by their names here. */
const kinds = { tokenizer: patchVqKind, entropy: entropyKind, dpar: dparKind, llamagen: llamaGenKind } as const;

/** Name of one of the models. */
export type EmojiModelName = keyof typeof kinds;

/**
 * The models that draw emoji: `tokenizer` for `createTokenizer` of `@dpar/tokenizer`; for `createSampler` of
 * `@dpar/sampler`, `dpar`, whose boundary head predicts the entropies, and `llamagen`, which has as many parameters and no
 * patches; and the `entropy` model that the head was trained on.
 */
export type EmojiModels = { readonly [Name in EmojiModelName]: ModelOfKind<(typeof kinds)[Name]> };

/** Configurations of the models. */
export type EmojiConfigs = { readonly [Name in EmojiModelName]: EmojiModels[Name]['config'] };

/** Complete model that draws emoji. */
export interface EmojiModel extends EmojiModels {
  /** Names of the classes; a label is an index into them. */
  readonly classes: readonly string[];
}

/** Model whose weights are read on request. */
export interface OpenEmojiModel {
  readonly configs: EmojiConfigs;
  /** Names of the classes; a label is an index into them. */
  readonly classes: readonly string[];
  /** Reads the weights of one of the models. @throws DparError if its file cannot be read or is damaged. */
  load<Name extends EmojiModelName>(name: Name): Promise<EmojiModels[Name]>;
}

/** Reads a whole file. */
export type ReadFile = (file: URL | string) => Promise<Uint8Array>;

/**
 * Reads the configurations and the names of the classes in parallel.
 * @throws DparError if one is damaged, and what `read` throws.
 */
export async function openModel(files: EmojiFiles, read: ReadFile): Promise<OpenEmojiModel> {
  const json = async (file: URL | string): Promise<unknown> => {
    const text = new TextDecoder().decode(await read(file));
    try {
      return JSON.parse(text);
    } catch {
      throw new DparError(
        `emoji model: expected JSON in '${file}', got '${text.slice(0, 40)}'. Install the package again.`,
      );
    }
  };
  const [tokenizer, entropy, dpar, llamagen, classes] = await Promise.all([
    json(files.tokenizer.config),
    json(files.entropy.config),
    json(files.dpar.config),
    json(files.llamagen.config),
    json(files.classes),
  ]);
  const configs = {
    tokenizer: patchVqKind.readConfig(tokenizer),
    entropy: entropyKind.readConfig(entropy),
    dpar: dparKind.readConfig(dpar),
    llamagen: llamaGenKind.readConfig(llamagen),
  };
  return {
    configs,
    classes: classNames(classes, configs.dpar.numClasses),
    async load<Name extends EmojiModelName>(name: Name) {
      const { tensors } = parseSafetensors(await read(files[name].weights));
      const [kind, config]: [ModelKind, object] = [kinds[name], configs[name]];
      const parameters = toHostTensors(tensors);
      checkParameters(kind.specs(config), parameters);
      return { kind, config, parameters } as ModelOfKind<ModelKind> as EmojiModels[Name];
    },
  };
}

/**
 * Reads the whole model.
 * @throws DparError if a file is damaged, and what `read` throws.
 */
export async function readEmojiModel(files: EmojiFiles, read: ReadFile): Promise<EmojiModel> {
  const { classes, load } = await openModel(files, read);
  const [tokenizer, entropy, dpar, llamagen] = await Promise.all([
    load('tokenizer'),
    load('entropy'),
    load('dpar'),
    load('llamagen'),
  ]);
  return { tokenizer, entropy, dpar, llamagen, classes };
}

function classNames(json: unknown, count: number): string[] {
  if (Array.isArray(json) && json.length === count && json.every((name) => typeof name === 'string')) return json;
  throw new DparError(
    `emoji model: expected a list of ${count} class names, the number of classes of the model, got ` +
      `${Array.isArray(json) ? `${json.length} entries` : `a ${typeof json}`}. Use files of the same model.`,
  );
}
