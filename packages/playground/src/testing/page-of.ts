import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emojiFolder } from '@dpar/emoji/node';
import { saveModel } from '@dpar/model/node';
import type { Model } from '@dpar/nn';
import { type PageServer, servePage } from '../node/serve-page.js';
import { writePage } from '../node/write-page.js';

/** A page that is served from a folder of its own, which goes away when it is closed. */
export interface TestPage extends PageServer {
  /** Folder of the page. */
  readonly folder: string;
}

/** Parts of a model folder, and the names of the classes. */
export type ModelParts = Readonly<Record<string, Model>>;

/** Writes a model folder. */
export async function writeModelFolder(folder: string, parts: ModelParts, classes: readonly string[]): Promise<void> {
  for (const [name, model] of Object.entries(parts)) await saveModel(join(folder, name), model);
  await writeFile(join(folder, 'classes.json'), JSON.stringify(classes));
}

/**
 * Writes and serves the page of a model folder (default: that of @dpar/emoji).
 * @param compress Writes compressed files too, which takes time.
 */
export async function servedPage(model = emojiFolder, compress = false): Promise<TestPage> {
  const folder = await mkdtemp(join(tmpdir(), 'dpar-page-'));
  const page = join(folder, 'page');
  await writePage(model, page, { compress });
  const { url, close } = await servePage(page);
  return {
    folder: page,
    url,
    close: async () => {
      await close();
      await rm(folder, { recursive: true });
    },
  };
}
