import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of installed and built files. */
const leftOut = ['node_modules', 'dist', 'output', '.git'];

/** Paths of the Markdown files below a folder, written with '/'. A README stands before what lies beside and below it. */
export function markdownFiles(root, folder = '') {
  const rank = ({ name }) => (name === 'README.md' ? 0 : 1);
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return leftOut.includes(entry.name) ? [] : markdownFiles(root, path);
      return entry.name.endsWith('.md') ? [path] : [];
    });
}
