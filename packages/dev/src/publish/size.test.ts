import { join } from 'node:path';
import { compressedBytes } from '@dpar/config/compressed-bytes';
import { publishedPackages, root } from '@dpar/config/published';
import { expect, it } from 'vitest';
import { sizeCeilings } from './size-ceilings.js';

const entries = publishedPackages().flatMap(({ name, folder, manifest }) =>
  Object.entries(manifest.exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : [{ entry: name + path.slice(1), file: join(root, folder, target.default!) }],
  ),
);

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
