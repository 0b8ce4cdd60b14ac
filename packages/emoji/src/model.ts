import { type EntropyModelConfig, readEntropyModelConfig } from '@dpar/entropy';
import { parseSafetensors, toHostTensors } from '@dpar/io';
import { type DparConfig, type LlamaGenConfig, readDparConfig, readLlamaGenConfig } from '@dpar/model';
import { DparError, type HostTensor } from '@dpar/tensor';
import { type PatchVqConfig, readPatchVqConfig } from '@dpar/tokenizer';
import type { EmojiFiles } from './files.js';

/** Configuration and float32 weights of a model. */
export interface Weights<C> {
  readonly config: C;
  /** Weights by official name, float32. */
  readonly parameters: Readonly<Record<string, HostTensor>>;
}

/** Configurations of the emoji models by name. */
export interface EmojiConfigs {
  /** For `createPatchVq` of `@dpar/tokenizer`. */
  readonly tokenizer: PatchVqConfig;
  /** For `DparSampler` of `@dpar/sampler`, which derives patches from it. */
  readonly entropy: EntropyModelConfig;
  /** For `DparSampler` of `@dpar/sampler`. */
  readonly dpar: DparConfig;
  /** For `LlamaGenSampler` of `@dpar/sampler`: a model without patches and with as many parameters, for comparison. */
  readonly llamagen: LlamaGenConfig;
}

/** Models of {@link EmojiConfigs} with their weights. */
export type EmojiWeights = { readonly [Name in keyof EmojiConfigs]: Weights<EmojiConfigs[Name]> };

/** Complete model that draws emoji. */
export interface EmojiModel extends EmojiWeights {
  /** Names of the classes; a label is an index into them. */
  readonly classes: readonly string[];
}

/** Model whose weights are read on request. */
export interface OpenEmojiModel {
  readonly configs: EmojiConfigs;
  /** Names of the classes; a label is an index into them. */
  readonly classes: readonly string[];
  /** Reads the weights of one of the models. @throws DparError if its file cannot be read or is damaged. */
  weights<Name extends keyof EmojiConfigs>(name: Name): Promise<Weights<EmojiConfigs[Name]>>;
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
    `emoji model: expected a list of ${count} class names, the number of classes of the model, got ` +
      `${Array.isArray(json) ? `${json.length} entries` : `a ${typeof json}`}. Use files of the same model.`,
  );
}
