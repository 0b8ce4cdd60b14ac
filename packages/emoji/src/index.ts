export { fetchEmojiModel } from './fetch.js';
export { type EmojiFiles, emojiFiles, type ModelFiles } from './files.js';
export type { EmojiModel, Weights } from './model.js';
