import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import type { EmojiModel } from '@dpar/emoji';
import { emojiFolder } from '@dpar/emoji/node';
import { saveModel } from '@dpar/model/node';
import type { BrowserContext } from 'playwright-core';

/**
 * Serves another DPAR to the pages of a browser than that of the built page. Names of built files have digests, so contents
 * are compared.
 */
export async function serveDpar(context: BrowserContext, { dpar }: EmojiModel): Promise<void> {
  const folder = await temporaryFolder();
  await saveModel(folder, dpar);
  for (const name of ['config.json', 'model.safetensors']) {
    const built = await readFile(join(emojiFolder, 'dpar', name));
    const body = await readFile(join(folder, name));
    const [stem, extension] = name.split('.');
    await context.route(new RegExp(`/${stem}-[^/]*\\.${extension}$`), async (route) => {
      const response = await route.fetch();
      const isDpar = built.equals(await response.body());
      await route.fulfill(isDpar ? { response, body } : { response });
    });
  }
}
