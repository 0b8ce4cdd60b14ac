import { readFile } from 'node:fs/promises';
import type { EmojiModel } from '@dpar/emoji';
import { emojiFolder } from '@dpar/emoji/node';
import { formatSafetensors } from '@dpar/io';
import { dparKind } from '@dpar/model';
import type { BrowserContext } from 'playwright-core';

/** Lets pages of a browser have another DPAR than the one of the built page. Their names of files have digests, so contents are compared. */
export async function serveDpar(context: BrowserContext, { dpar }: EmojiModel): Promise<void> {
  const shipped = async (file: string): Promise<Buffer> => readFile(`${emojiFolder}/dpar/${file}`);
  const files = [
    ['config', await shipped('config.json'), Buffer.from(JSON.stringify(dparKind.writeConfig(dpar.config)))],
    ['model', await shipped('model.safetensors'), Buffer.from(formatSafetensors(dpar.parameters))],
  ] as const;
  for (const [name, built, body] of files) {
    await context.route(new RegExp(`/${name}-[^/]*$`), async (route) => {
      const response = await route.fetch();
      const isDpar = built.equals(await response.body());
      await route.fulfill(isDpar ? { response, body } : { response });
    });
  }
}
