import { type EntropyModelConfig, readEntropyModelConfig } from '@dpar/entropy';
import { parseSafetensors, toHostTensors } from '@dpar/io';
import { type DparConfig, type LlamaGenConfig, readDparConfig, readLlamaGenConfig } from '@dpar/model';
import { DparError, type HostTensor } from '@dpar/tensor';
import { type PatchVqConfig, readPatchVqConfig } from '@dpar/tokenizer';
import type { EmojiFiles, ModelFiles } from './files.js';

/** A model's configuration and its weights, float32, under their official names. */
export interface Weights<C> {
  readonly config: C;
  /** By official name, float32. */
  readonly parameters: Readonly<Record<string, HostTensor>>;
}

/** All that it takes to draw emoji. */
export interface EmojiModel {
  /** For `createPatchVq` of `@dpar/tokenizer`. */
  readonly tokenizer: Weights<PatchVqConfig>;
  /** For `DparSampler` of `@dpar/sampler`, which makes patches with it. */
  readonly entropy: Weights<EntropyModelConfig>;
  /** For `DparSampler` of `@dpar/sampler`. */
  readonly dpar: Weights<DparConfig>;
  /** For `LlamaGenSampler` of `@dpar/sampler`: a model of as many parameters that makes no patches, to compare with. */
  readonly llamagen: Weights<LlamaGenConfig>;
  /** Names of the classes; a label is an index into them. */
  readonly classes: readonly string[];
}

/** Reads one file as a whole. */
export type ReadFile = (file: URL | string) => Promise<Uint8Array>;

/**
 * Puts the model together from its files, all of which are read at once.
 * @throws DparError if one is damaged, and what `read` throws.
 */
export async function readEmojiModel(files: EmojiFiles, read: ReadFile): Promise<EmojiModel> {
  const json = async (file: URL | string): Promise<unknown> => {
    const text = new TextDecoder().decode(await read(file));
    try {
      return JSON.parse(text);
    } catch {
      throw new DparError(`readEmojiModel: expected JSON in '${file}', got other text. The file is damaged.`);
    }
  };
  const weights = async <C>({ config, weights }: ModelFiles, readConfig: (json: unknown) => C): Promise<Weights<C>> => {
    const [configJson, bytes] = await Promise.all([json(config), read(weights)]);
    return { config: readConfig(configJson), parameters: toHostTensors(parseSafetensors(bytes).tensors) };
  };
  const [tokenizer, entropy, dpar, llamagen, classes] = await Promise.all([
    weights(files.tokenizer, readPatchVqConfig),
    weights(files.entropy, readEntropyModelConfig),
    weights(files.dpar, readDparConfig),
    weights(files.llamagen, readLlamaGenConfig),
    json(files.classes),
  ]);
  return { tokenizer, entropy, dpar, llamagen, classes: classNames(classes, dpar.config.numClasses) };
}

function classNames(json: unknown, count: number): string[] {
  if (Array.isArray(json) && json.length === count && json.every((name) => typeof name === 'string')) return json;
  throw new DparError(
    `readEmojiModel: expected a list of ${count} class names, as many as the model has classes, got ` +
      `${Array.isArray(json) ? `${json.length} entries` : `a ${typeof json}`}. Use files of one model.`,
  );
}
