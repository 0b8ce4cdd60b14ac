import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type EmojiFiles, emojiFiles, emojiFilesKinds } from './files.js';
import { type EmojiModel, type OpenEmojiModel, openModel, readEmojiModel } from './model.js';

/**
 * Loads the model in a browser with `fetch`.
 * @param files Addresses of the files (default: beside this package's code).
 * @throws DparError with the address of a file that cannot be fetched or is damaged.
 */
export function fetchEmojiModel(files: EmojiFiles = emojiFiles): Promise<EmojiModel> {
  checkArguments('fetchEmojiModel', { files }, { 'files?': emojiFilesKinds });

  return readEmojiModel(files, fetchBytes);
}

/**
 * Loads the configurations in a browser, and weights on request. A page can then show the entropies of an image before the
 * weights of the samplers are loaded.
 * @param files Addresses of the files (default: beside this package's code).
 * @throws DparError with the address of a file that cannot be fetched or is damaged.
 */
export function openEmojiModel(files: EmojiFiles = emojiFiles): Promise<OpenEmojiModel> {
  checkArguments('openEmojiModel', { files }, { 'files?': emojiFilesKinds });

  return openModel(files, fetchBytes);
}

async function fetchBytes(file: URL | string): Promise<Uint8Array> {
  const response = await fetch(file).catch((cause) => {
    throw new DparError(
      `emoji model: expected the file '${file}', got no answer: ${cause.message}. Try again, or import '@dpar/emoji/node' in Node.`,
      {
        cause,
      },
    );
  });
  if (!response.ok) {
    throw new DparError(
      `emoji model: expected the file '${file}', got status ${response.status}. ` +
        "Pass the addresses of this package's files on the server of the page.",
    );
  }
  return new Uint8Array(await response.arrayBuffer());
}
