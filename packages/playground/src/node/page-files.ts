import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DparError } from '@dpar/tensor';
import { manifestFile, type PageManifest } from '../manifest.js';
import { readModelFiles } from './model-files.js';
import { namesIn } from './names-in.js';

/** Content of a file of a page: bytes, or the path of a file that has them. */
export type PageContent = Uint8Array | { readonly path: string };

/** A page for one model, before it is written. */
export interface PageFiles {
  readonly manifest: PageManifest;
  /** Contents by path in the page's folder, with slashes. */
  readonly files: ReadonlyMap<string, PageContent>;
}

/** Placeholder of the list of files in the built service worker, in the quotes of any minifier. */
const placeholder = /(["'`])__PRECACHE__\1/;

/** Built files that hold the title or the list of files. */
const templates = { page: 'index.html', app: 'manifest.webmanifest', worker: 'service-worker.js' } as const;

/**
 * Makes the files of a page: the built page with the title of the model, its weights and pictures, and a service worker that
 * keeps all of them.
 * @param built Folder of the built page.
 * @param model Model folder.
 * @throws DparError if the page is not built, or the model does not fit it.
 */
export async function pageFiles(built: string, model: string, title?: string): Promise<PageFiles> {
  if (!existsSync(join(built, templates.worker))) {
    throw new DparError(
      `pageFiles: expected the built page in '${built}', got none. Install or build @dpar/playground.`,
    );
  }
  const { manifest, sources } = await readModelFiles(model, title);
  const text = (name: string): Promise<string> => readFile(join(built, name), 'utf8');
  const files = new Map<string, PageContent>();
  const own = new Set<string>(Object.values(templates));
  for (const name of await namesIn(built)) {
    if (!own.has(name.replace(/\.br$/, ''))) files.set(name, { path: join(built, name) });
  }
  files.set(templates.page, bytes(titled(await text(templates.page), manifest.title)));
  files.set(templates.app, bytes(named(await text(templates.app), manifest.title)));
  for (const [name, path] of sources) files.set(name, { path });
  files.set(manifestFile, bytes(JSON.stringify(manifest)));
  const worker = await text(templates.worker);
  if (!placeholder.test(worker)) {
    throw new DparError(
      `pageFiles: expected a service worker with a place for its list in '${built}', got none. Build it again.`,
    );
  }
  const list = JSON.stringify(await precacheList(files));
  files.set(templates.worker, bytes(worker.replace(placeholder, () => list)));
  return { manifest, files };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** The HTML of the page with the name of the model in its title. */
function titled(html: string, title: string): string {
  const escaped = title.replace(/[&<>]/g, (character) => entities[character] as string);
  return html.replace(/<title>[^<]*<\/title>/, () => `<title>${escaped}: DPAR playground</title>`);
}

/** The manifest of the installed page with the name of the model. */
function named(json: string, title: string): string {
  return JSON.stringify({ ...JSON.parse(json), name: `${title}: DPAR playground`, short_name: title });
}

/**
 * Files that the service worker keeps, and a version that changes with any of them. The names of most files change with their
 * content; the others are small.
 */
async function precacheList(files: ReadonlyMap<string, PageContent>) {
  const names = [...files.keys()].filter((name) => !name.endsWith('.br')).sort();
  const hash = createHash('sha256');
  for (const name of names) {
    hash.update(`${name}\n`);
    if (isNamedByContent(name)) continue;
    const content = files.get(name) as PageContent;
    hash.update(content instanceof Uint8Array ? content : await readFile(content.path));
  }
  return { version: hash.digest('hex').slice(0, 16), files: names };
}

/** True for a file whose name changes with its content, so that browsers may keep it for good. */
export function isNamedByContent(name: string): boolean {
  return /^(assets|model)\/.*-[\w-]{8}\.\w+$/.test(name);
}
