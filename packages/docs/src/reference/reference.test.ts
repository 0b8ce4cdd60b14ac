import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '@dpar/config/published';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { beforeAll, expect, it } from 'vitest';
import { deadLinksOfSite, readHtml, readMarkdown } from '../../site/links.js';
import options, { entryPoints } from '../../typedoc.config.js';
import { findBareMembers } from './bare-members.js';
import { convert, type Reference } from './convert.js';
import { findSilentErrors } from './silent-errors.js';

let reference: Reference;

beforeAll(async () => {
  reference = await convert(options);
}, 300_000);

it('has a comment, with shapes and errors, on all that packages export', () => {
  expect(reference.project.children?.map(({ name }) => name).sort()).toEqual([...entryPoints.keys()].sort());
  expect(entryPoints.size).toBeGreaterThanOrEqual(21);
  expect(reference.warnings).toEqual([]);
  expect(findBareMembers(reference.project)).toEqual([]);
  expect(findSilentErrors(reference)).toEqual([]);
});

it('makes a site with all READMEs and without dead links', { timeout: 300_000 }, async () => {
  const site = await temporaryFolder();
  await reference.app.generateDocs(reference.project, site);
  expect(reference.warnings).toEqual([]);
  expect(deadLinksOfSite(site)).toEqual([]);

  for (const [page, file] of [
    ['index.html', 'README.md'],
    ['modules/_dpar_io.html', 'packages/io/README.md'],
    ['CONTRIBUTING.html', 'CONTRIBUTING.md'],
    ['guides/own-images.html', 'packages/docs/guides/own-images.md'],
  ] as const) {
    const { anchors } = readHtml(await readFile(join(site, page), 'utf8'));
    const [, ...sections] = readMarkdown(await readFile(join(root, file), 'utf8')).anchors;
    expect(sections.length, file).toBeGreaterThan(0);
    expect([...anchors], page).toEqual(expect.arrayContaining(sections));
  }
});

it('finds what has none', async () => {
  const { sourceLinkTemplate, validation, requiredToBeDocumented, blockTags } = options;
  const entryPoint = fileURLToPath(new URL('../testing/sample.ts', import.meta.url));
  const sample = await convert({
    entryPoints: [entryPoint],
    tsconfig: fileURLToPath(new URL('../testing/tsconfig.json', import.meta.url)),
    disableGit: true,
    ...({ skipErrorChecking: true, sourceLinkTemplate, validation, requiredToBeDocumented, blockTags } as object),
  });
  expect(sample.warnings).toEqual([
    expect.stringMatching(/^unsaid .*does not have any documentation/),
    expect.stringContaining('Failed to resolve link to "nobody"'),
  ]);
  expect(findBareMembers(sample.project)).toEqual(['Size.gain: number', 'Size.weights: Float32Array']);
  expect(findSilentErrors(sample)).toEqual(['failsSilently', 'failsThroughAnother']);
});
