import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { publishedPackages, root } from '@dpar/config/published';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { sizeCeilings } from './size-ceilings.js';

const entries = publishedPackages().flatMap(({ name, folder, manifest }) =>
  Object.entries(manifest.exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : [{ entry: name + path.slice(1), file: join(root, folder, target.default!) }],
  ),
);

/** Bytes of a program that takes in all exports of a built file, minified and compressed. */
async function compressedBytes(file: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from ${JSON.stringify(file)};`, resolveDir: root },
    ...{ bundle: true, minify: true, format: 'esm', platform: 'neutral', packages: 'external', external: ['node:*'] },
    ...{ write: false, logLevel: 'error' },
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

it('knows a ceiling and its reason for each entry', () => {
  expect(Object.keys(sizeCeilings).sort()).toEqual(entries.map(({ entry }) => entry).sort());
  expect(Object.values(sizeCeilings).filter(({ reason }) => reason.length < 15)).toEqual([]);
});

it.each(entries)('$entry stays below its ceiling', async ({ entry, file }) => {
  const ceiling = sizeCeilings[entry]!.bytes;
  const bytes = await compressedBytes(file);
  expect(bytes, sizeCeilings[entry]!.reason).toBeLessThanOrEqual(ceiling);
  // A ceiling far above says nothing.
  expect(bytes).toBeGreaterThan(0.75 * ceiling);
});
