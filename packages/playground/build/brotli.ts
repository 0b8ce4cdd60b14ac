import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type { Plugin } from 'vite';

/** Names of files that are compressed already. */
const compressed = /\.(png|br)$/;

/** Quality of compression. The best quality takes ten times as long and saves a ninth. */
const quality = 9;

/** Writes `FILE.br` beside each file of the build, for servers that send such files as they are. */
export function brotliFiles(): Plugin {
  return {
    name: 'dpar:brotli-files',
    apply: 'build',
    async writeBundle({ dir = '.' }) {
      const files = readdirSync(dir, { recursive: true, encoding: 'utf8', withFileTypes: true })
        .filter((entry) => entry.isFile() && !compressed.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name));
      await Promise.all(
        files.map(async (file) => {
          const bytes = await readFile(file);
          const params = {
            [constants.BROTLI_PARAM_QUALITY]: quality,
            [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
            [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
          };
          await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes, { params }));
        }),
      );
    },
  };
}
