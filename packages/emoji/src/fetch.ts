import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type EmojiFiles, emojiFiles, emojiFilesKinds } from './files.js';
import { type EmojiModel, type OpenEmojiModel, openModel, readEmojiModel } from './model.js';

/**
 * Loads the model in a browser, with `fetch`.
 * @param files Where the files are (default: beside this package's code).
 * @throws DparError naming a file that cannot be fetched or is damaged.
 */
export function fetchEmojiModel(files: EmojiFiles = emojiFiles): Promise<EmojiModel> {
  checkArguments('fetchEmojiModel', { files }, { 'files?': emojiFilesKinds });

  return readEmojiModel(files, fetchBytes);
}

/**
 * Loads what is small of the model in a browser. Its weights follow as they are asked for, so that a page can show the
 * entropies of an image before those that draw are there.
 * @param files Where the files are (default: beside this package's code).
 * @throws DparError naming a file that cannot be fetched or is damaged.
 */
export function openEmojiModel(files: EmojiFiles = emojiFiles): Promise<OpenEmojiModel> {
  checkArguments('openEmojiModel', { files }, { 'files?': emojiFilesKinds });

  return openModel(files, fetchBytes);
}

async function fetchBytes(file: URL | string): Promise<Uint8Array> {
  const response = await fetch(file).catch((cause) => {
    throw new DparError(
      `emoji model: expected the file '${file}', got no answer: ${cause.message}. Try again; in Node use '@dpar/emoji/node'.`,
      {
        cause,
      },
    );
  });
  if (!response.ok) {
    throw new DparError(
      `emoji model: expected the file '${file}', got status ${response.status}. ` +
        "Pass the addresses of this package's files as the page's server has them.",
    );
  }
  return new Uint8Array(await response.arrayBuffer());
}
