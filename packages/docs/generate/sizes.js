import { join } from 'node:path';
import { compressedBytes } from '@dpar/config/compressed-bytes';

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
