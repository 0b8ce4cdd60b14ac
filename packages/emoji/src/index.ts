export { fetchEmojiModel, openEmojiModel } from './fetch.js';
export { type EmojiFiles, emojiFiles, type ModelFiles } from './files.js';
export type { EmojiConfigs, EmojiModel, EmojiModelName, EmojiModels, OpenEmojiModel } from './model.js';
