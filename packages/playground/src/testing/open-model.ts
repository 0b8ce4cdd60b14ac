import type { EmojiModel } from '@dpar/emoji';
import { isWord } from '@dpar/io';
import type { OpenModel } from '../model/open-model.js';

/** An open model whose weights are there already. */
export function openModel(model: EmojiModel): OpenModel {
  const { tokenizer, entropy, dpar, llamagen } = model;
  const classes = model.classes.filter((name) => !isWord(name)).length;
  const configs = { tokenizer, entropy: entropy.config, dpar: dpar.config, llamagen: llamagen.config };
  return { configs, classes, load: async (name) => model[name] };
}
