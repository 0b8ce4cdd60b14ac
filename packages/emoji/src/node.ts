import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { emojiFiles } from './files.js';
import { type EmojiModel, readEmojiModel } from './model.js';

/** Path of the model's folder. */
export const emojiFolder = fileURLToPath(new URL('../model', import.meta.url));

/** Loads the model from the disk. @throws Error with the path of a missing or damaged file. */
export function loadEmojiModel(): Promise<EmojiModel> {
  return readEmojiModel(emojiFiles, (file) => readFile(file));
}
