import { type EntropyModelConfig, readEntropyModelConfig } from '@dpar/entropy';
import { parseSafetensors, toHostTensors } from '@dpar/io';
import { type DparConfig, type LlamaGenConfig, readDparConfig, readLlamaGenConfig } from '@dpar/model';
import { DparError, type HostTensor } from '@dpar/tensor';
import { type PatchVqConfig, readPatchVqConfig } from '@dpar/tokenizer';
import type { EmojiFiles } from './files.js';

/** A model's configuration and its weights, float32, under their official names. */
export interface Weights<C> {
  readonly config: C;
  /** By official name, float32. */
  readonly parameters: Readonly<Record<string, HostTensor>>;
}

/** The models that draw emoji, by their names. */
export interface EmojiConfigs {
  /** For `createPatchVq` of `@dpar/tokenizer`. */
  readonly tokenizer: PatchVqConfig;
  /** For `DparSampler` of `@dpar/sampler`, which makes patches with it. */
  readonly entropy: EntropyModelConfig;
  /** For `DparSampler` of `@dpar/sampler`. */
  readonly dpar: DparConfig;
  /** For `LlamaGenSampler` of `@dpar/sampler`: a model of as many parameters that makes no patches, to compare with. */
  readonly llamagen: LlamaGenConfig;
}

/** All that it takes to draw emoji. */
export type EmojiModel = { readonly [Name in keyof EmojiConfigs]: Weights<EmojiConfigs[Name]> } & {
  /** Names of the classes; a label is an index into them. */
  readonly classes: readonly string[];
};

/** The model without its weights, which are read when they are asked for. */
export interface OpenEmojiModel {
  readonly configs: EmojiConfigs;
  /** Names of the classes; a label is an index into them. */
  readonly classes: readonly string[];
  /** Reads the weights of one of the models. @throws DparError if its file cannot be read or is damaged. */
  weights<Name extends keyof EmojiConfigs>(name: Name): Promise<Weights<EmojiConfigs[Name]>>;
}

/** Reads one file as a whole. */
export type ReadFile = (file: URL | string) => Promise<Uint8Array>;

/**
 * Reads the configurations and the names of the classes, all at once.
 * @throws DparError if one is damaged, and what `read` throws.
 */
export async function openModel(files: EmojiFiles, read: ReadFile): Promise<OpenEmojiModel> {
  const json = async (file: URL | string): Promise<unknown> => {
    const text = new TextDecoder().decode(await read(file));
    try {
      return JSON.parse(text);
    } catch {
      throw new DparError(`emoji model: expected JSON in '${file}', got other text. The file is damaged.`);
    }
  };
  const [tokenizer, entropy, dpar, llamagen, classes] = await Promise.all([
    json(files.tokenizer.config).then(readPatchVqConfig),
    json(files.entropy.config).then(readEntropyModelConfig),
    json(files.dpar.config).then(readDparConfig),
    json(files.llamagen.config).then(readLlamaGenConfig),
    json(files.classes),
  ]);
  const configs = { tokenizer, entropy, dpar, llamagen };
  return {
    configs,
    classes: classNames(classes, dpar.numClasses),
    async weights(name) {
      const { tensors } = parseSafetensors(await read(files[name].weights));
      return { config: configs[name], parameters: toHostTensors(tensors) };
    },
  };
}

/**
 * Reads the whole model.
 * @throws DparError if a file is damaged, and what `read` throws.
 */
export async function readEmojiModel(files: EmojiFiles, read: ReadFile): Promise<EmojiModel> {
  const { classes, weights } = await openModel(files, read);
  const [tokenizer, entropy, dpar, llamagen] = await Promise.all([
    weights('tokenizer'),
    weights('entropy'),
    weights('dpar'),
    weights('llamagen'),
  ]);
  return { tokenizer, entropy, dpar, llamagen, classes };
}

function classNames(json: unknown, count: number): string[] {
  if (Array.isArray(json) && json.length === count && json.every((name) => typeof name === 'string')) return json;
  throw new DparError(
    `emoji model: expected a list of ${count} class names, as many as the model has classes, got ` +
      `${Array.isArray(json) ? `${json.length} entries` : `a ${typeof json}`}. Use files of one model.`,
  );
}
