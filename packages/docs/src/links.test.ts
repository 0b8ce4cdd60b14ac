import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '@dpar/config/published';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { expect, it } from 'vitest';
import { deadLinks, deadLinksOfSite, readMarkdown } from '../site/links.js';
import { markdownFiles } from '../site/markdown.js';

/** Markdown files by path. */
const pagesOf = (folder: string) =>
  new Map(markdownFiles(folder).map((path) => [path, readMarkdown(readFileSync(join(folder, path), 'utf8'))]));

it('leads somewhere with each link of the Markdown files', () => {
  const pages = pagesOf(root);
  expect([...pages.values()].flatMap(({ links }) => links).length).toBeGreaterThan(150);
  expect(deadLinks(root, pages)).toEqual([]);
});

it('has no marks of texts that are to be written', () => {
  const marks = markdownFiles(root).flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(/^[A-Z]{2,}$|\b(?:TODO|TBD|FIXME)\b/gm)].map(
      ([mark]) => `${path}: ${mark}`,
    ),
  );
  expect(marks).toEqual([]);
});

it('finds dead links in Markdown files', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'b'));
  await writeFile(join(folder, 'code.ts'), 'one\ntwo');
  await writeFile(
    join(folder, 'b/README.md'),
    '# Some `code` here\n\n[up](../a.md#a) ![none](none.png) <a href="../c.md">c</a>',
  );
  await writeFile(
    join(folder, 'a.md'),
    [
      '# A\n# A\n\n[first](#a) [second](#a-1) [third](#a-2) [b](b) [b](b#some-code-here) [b](b#none) [site](https://a.org/b#c)',
      '[code](code.ts#L2) [code](code.ts#L3) [code](code.ts#two) [outside](../x) [malformed](<https://a b/>) [other][ref]',
      '`[not](a-link)`\n\n[ref]: none.md',
    ].join('\n'),
  );
  expect(deadLinks(folder, pagesOf(folder))).toEqual([
    ...['a.md: #a-2', 'a.md: b#none', 'a.md: code.ts#L3', 'a.md: code.ts#two', 'a.md: ../x', 'a.md: https://a b/'],
    ...['a.md: none.md', 'b/README.md: none.png', 'b/README.md: ../c.md'],
  ]);
});

it('finds dead links in a site', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'sub'));
  await writeFile(join(folder, 'icons.svg'), '<svg><g id="icon"></g></svg>');
  await writeFile(
    join(folder, 'index.html'),
    '<h1 id="top">A</h1><a href="sub/b.html#b">b</a><a href="sub/b.html#c">b</a><use href="icons.svg#icon"></use><img src="none.png">',
  );
  await writeFile(
    join(folder, 'sub/b.html'),
    '<a name="b" href="../#top">a</a><a href="../index.html#none">a</a><a href="c.html">c</a><a href="mailto:a@b.org">m</a>',
  );
  expect(deadLinksOfSite(folder)).toEqual([
    ...['index.html: sub/b.html#c', 'index.html: none.png', 'sub/b.html: ../index.html#none', 'sub/b.html: c.html'],
  ]);
});
