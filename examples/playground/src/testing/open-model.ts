import type { EmojiModel, OpenEmojiModel } from '@dpar/emoji';

/** An open model whose weights are there already. */
export function openModel(model: EmojiModel): OpenEmojiModel {
  const { tokenizer, entropy, dpar, llamagen, classes } = model;
  const configs = {
    tokenizer: tokenizer.config,
    entropy: entropy.config,
    dpar: dpar.config,
    llamagen: llamagen.config,
  };
  return { configs, classes, load: async (name) => model[name] };
}
