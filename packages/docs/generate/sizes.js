import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Differences that a table does not follow, so that not each change of code is one of the table: a tenth, or 0.3 kB. */
const tolerance = (kilobytes) => Math.max(0.3, 0.1 * kilobytes);

/**
 * Sizes in tables of packages: rows that begin with | [`@dpar/name`](...) | N kB |.
 *
 * @param {string} text Markdown.
 * @param {string} root The repository.
 */
export async function refreshSizes(text, root) {
  const row = /^(\| \[`@dpar\/([\w-]+)`\]\([^)]*\) \| )([\d.]+|\?) kB( \|)/gm;
  let fresh = text;
  for (const [whole, start, name, written, end] of text.matchAll(row)) {
    const kilobytes = (await compressedBytes(join(root, 'packages', name, 'src', 'index.ts'))) / 1000;
    if (Math.abs(kilobytes - Number(written)) <= tolerance(kilobytes)) continue;
    fresh = fresh.replace(whole, `${start}${kilobytes.toFixed(1)} kB${end}`);
  }
  return fresh;
}

/** Bytes of all exports of a source without other packages, minified and compressed by gzip. */
async function compressedBytes(file) {
  if (!existsSync(file)) throw new Error(`refreshSizes: expected a source at ${file}, got nothing.`);
  const { outputFiles } = await build({
    stdin: { contents: `export * from ${JSON.stringify(file)};`, resolveDir: join(file, '..'), loader: 'ts' },
    ...{ bundle: true, minify: true, format: 'esm', platform: 'neutral', target: 'es2022' },
    ...{ packages: 'external', external: ['node:*'], write: false, logLevel: 'error' },
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}
