import type { KindsOf } from '@dpar/check';

/** Addresses of the two files of a model: `config.json` and `model.safetensors`. */
export interface ModelFiles {
  readonly config: URL | string;
  readonly weights: URL | string;
}

const modelFilesKinds: KindsOf<ModelFiles> = { config: 'string | object', weights: 'string | object', '*': 'any' };

/** Addresses of the files of the emoji model. */
export interface EmojiFiles {
  readonly tokenizer: ModelFiles;
  readonly entropy: ModelFiles;
  readonly dpar: ModelFiles;
  readonly llamagen: ModelFiles;
  /** Names of the classes. */
  readonly classes: URL | string;
}

/** Kinds of {@link EmojiFiles}. */
export const emojiFilesKinds: KindsOf<EmojiFiles> = {
  tokenizer: modelFilesKinds,
  entropy: modelFilesKinds,
  dpar: modelFilesKinds,
  llamagen: modelFilesKinds,
  classes: 'string | object',
  '*': 'any',
};

/**
 * Files of this package, in the form that bundlers recognise (`new URL('...', import.meta.url)`) and copy into their output.
 */
export const emojiFiles: EmojiFiles = {
  tokenizer: {
    config: new URL('../model/tokenizer/config.json', import.meta.url),
    weights: new URL('../model/tokenizer/model.safetensors', import.meta.url),
  },
  entropy: {
    config: new URL('../model/entropy/config.json', import.meta.url),
    weights: new URL('../model/entropy/model.safetensors', import.meta.url),
  },
  dpar: {
    config: new URL('../model/dpar/config.json', import.meta.url),
    weights: new URL('../model/dpar/model.safetensors', import.meta.url),
  },
  llamagen: {
    config: new URL('../model/llamagen/config.json', import.meta.url),
    weights: new URL('../model/llamagen/model.safetensors', import.meta.url),
  },
  classes: new URL('../model/classes.json', import.meta.url),
};
