import type { OpenEmojiModel } from '@dpar/emoji';
import { Once } from './once.js';

/** A model that reads the weights of each part only once, or again after a failure. */
export function readOnce(model: OpenEmojiModel): OpenEmojiModel {
  const weights = new Once();
  return { ...model, load: (name) => weights.get(name, () => model.load(name)) };
}
