export { fetchEmojiModel, openEmojiModel } from './fetch.js';
export { type EmojiFiles, emojiFiles, type ModelFiles } from './files.js';
export type { EmojiConfigs, EmojiModel, OpenEmojiModel, Weights } from './model.js';
