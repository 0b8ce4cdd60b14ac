// Parts of Markdown files that are made from the code: `node packages/docs/generate.mjs` (of `npm run docs`) writes them,
// with --check it only names the files that are not current, and fails.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@dpar/config/published';
import { packageGraph } from './generate/graph.js';
import { refreshLinks } from './generate/links.js';
import { refreshSizes } from './generate/sizes.js';
import { markdownFiles } from './site/markdown.js';

/** Replaces the text between the markers `<!-- graph -->` and `<!-- /graph -->`. */
const refreshGraph = (text) =>
  text.replace(/(<!-- graph -->\n).*?(<!-- \/graph -->)/s, (_, start, end) => `${start}${packageGraph(root)}${end}`);

const check = process.argv.includes('--check');
for (const file of markdownFiles(root)) {
  const path = join(root, file);
  const text = readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
  const fresh = await refreshSizes(refreshGraph(refreshLinks(text, path)), root);
  if (fresh === text) continue;
  console.log(file);
  if (check) process.exitCode = 1;
  else writeFileSync(path, fresh);
}
