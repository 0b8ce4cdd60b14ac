import { createReadStream, createWriteStream, constants as fileConstants } from 'node:fs';
import { copyFile, lstat, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createBrotliCompress } from 'node:zlib';
import type { KindsOf } from '@dpar/check';
import { isSystemEntry, readJson, writeFolderAtomic } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { builtPage } from '../built-page.js';
import { checkArguments } from './check-arguments.js';
import { namesIn } from './names-in.js';
import { type PageContent, pageFiles } from './page-files.js';

/** Options of {@link writePage}. */
export interface WritePageOptions {
  /** Title of the page (default: that of page.json in the model folder, or the folder's name). */
  readonly title?: string | undefined;
  /** Writes `FILE.br` beside each file, for servers that send such files as they are (default: true). */
  readonly compress?: boolean | undefined;
  /** Stops the work: nothing is written. */
  readonly signal?: AbortSignal | undefined;
}

const optionKinds: KindsOf<WritePageOptions> = { 'title?': 'string', 'compress?': 'boolean', 'signal?': 'AbortSignal' };

/** A page that has been written. */
export interface WrittenPage {
  readonly title: string;
  /** Number of files, without compressed copies. */
  readonly files: number;
  /** Bytes of the files, without compressed copies. */
  readonly bytes: number;
  /** Bytes of a visit, from a server that sends the compressed copies. */
  readonly compressedBytes: number;
}

/** File of a page with the names of all its files. A folder without it is not a page. */
const listFile = 'page-files.json';

/** Files whose content is compressed already. */
const compressed = /\.(png|jpe?g|webp|gif|br)$/i;

/** Quality of compression: better ones take ten times as long, and weights get no smaller. */
const quality = 5;

/**
 * Writes a page that draws with a model, as static files for any folder of any server: the whole page or nothing. An existing
 * page is replaced.
 *
 * @param model Model folder: `tokenizer/`, `dpar/` and, unless DPAR has a boundary head, `entropy/`, each with config.json and
 * model.safetensors. `llamagen/`, `classes.json`, `page.json` and pictures in `examples/` are optional.
 * @param output Folder of the page.
 * @throws DparError if the model does not fit, or `output` holds other files; IoError if a file is missing or damaged.
 */
export async function writePage(model: string, output: string, options: WritePageOptions = {}): Promise<WrittenPage> {
  checkArguments(
    'writePage',
    { model, output, options },
    { model: 'string', output: 'string', 'options?': optionKinds },
  );

  const { title, compress = true, signal } = options;
  await checkOutput(output);
  const { manifest, files } = await pageFiles(builtPage, model, title);
  const names = [...files.keys()].filter((name) => !name.endsWith('.br'));
  let [bytes, compressedBytes] = [0, 0];
  await writeFolderAtomic(output, async (folder) => {
    for (const name of names) {
      signal?.throwIfAborted();
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      await place(files.get(name) as PageContent, path);
      const size = (await stat(path)).size;
      if (compress && !compressed.test(name)) await compressFile(path, files.get(`${name}.br`));
      bytes += size;
      compressedBytes += (await stat(`${path}.br`).catch(() => ({ size }))).size;
    }
    await writeFile(join(folder, listFile), JSON.stringify({ files: names }));
  });
  return { title: manifest.title, files: names.length, bytes, compressedBytes };
}

/** Checks that a folder is a page of {@link writePage}. */
export async function isPage(folder: string): Promise<boolean> {
  checkArguments('isPage', { folder }, { folder: 'string' });
  return (await filesOf(folder)) !== undefined;
}

/** Names of the files of a page; undefined for another folder. */
async function filesOf(folder: string): Promise<readonly string[] | undefined> {
  const { files } = (await readJson(join(folder, listFile)).catch(() => undefined)) ?? {};
  return Array.isArray(files) ? files : undefined;
}

/** Puts content at a path. Copies share their blocks on the disk where the file system can do so. */
async function place(content: PageContent, path: string): Promise<void> {
  if (content instanceof Uint8Array) await writeFile(path, content);
  else await copyFile(content.path, path, fileConstants.COPYFILE_FICLONE);
}

/** Writes the compressed copy of a file, which may be there already. */
async function compressFile(path: string, ready: PageContent | undefined): Promise<void> {
  if (ready !== undefined) return place(ready, `${path}.br`);
  const { size } = await stat(path);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: size,
  };
  await pipeline(createReadStream(path), createBrotliCompress({ params }), createWriteStream(`${path}.br`));
}

/** @throws DparError if there are files at the path that are not those of a page. */
async function checkOutput(output: string): Promise<void> {
  const status = await lstat(output).catch(() => undefined);
  if (status === undefined) return;
  const there = (await namesIn(output)).filter((name) => !name.split('/').some(isSystemEntry));
  if (there.length === 0) return;
  const list = new Set(await filesOf(output));
  const foreign = there.find((name) => name !== listFile && !list.has(name.replace(/\.br$/, '')));
  if (foreign === undefined) return;
  throw new DparError(
    `writePage: expected a page or nothing in '${output}', got other files, such as '${foreign}'. Choose another folder.`,
  );
}
