import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { emojiFiles } from './files.js';
import { type EmojiModel, readEmojiModel } from './model.js';

/** Folder of the model on the disk. */
export const emojiFolder = fileURLToPath(new URL('../model', import.meta.url));

/** Loads the model from the disk. @throws Error naming a file that is missing or damaged. */
export function loadEmojiModel(): Promise<EmojiModel> {
  return readEmojiModel(emojiFiles, (file) => readFile(file));
}
