import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/** What stands for the list in the service worker's source, in the quotes of any minifier. */
const placeholder = /(["'`])__PRECACHE__\1/;

/**
 * Tells the service worker which files to keep: all of the build but itself, under a version that changes with any of
 * them. Content is hashed, as some names (index.html) stay the same.
 * @param publicFolder Files that are copied as they are.
 */
export function precacheList(publicFolder: string): Plugin {
  return {
    name: 'dpar:precache-list',
    apply: 'build',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const worker = bundle['service-worker.js'];
        if (worker?.type !== 'chunk' || !placeholder.test(worker.code)) {
          this.error(`precacheList: expected a chunk service-worker.js that holds '__PRECACHE__', got none.`);
        }
        const hash = createHash('sha256');
        const files = readdirSync(publicFolder).sort();
        for (const file of files) hash.update(file).update(readFileSync(`${publicFolder}/${file}`));
        for (const [name, output] of Object.entries(bundle).sort(([a], [b]) => (a < b ? -1 : 1))) {
          if (name === worker.fileName) continue;
          files.push(name);
          hash.update(name).update(output.type === 'chunk' ? output.code : output.source);
        }
        const list = { version: hash.digest('hex').slice(0, 16), files };
        worker.code = worker.code.replace(placeholder, () => JSON.stringify(list));
      },
    },
  };
}
