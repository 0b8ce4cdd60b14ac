import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/** Placeholder of the list in the service worker's source, in the quotes of any minifier. */
const placeholder = /(["'`])__PRECACHE__\1/;

/**
 * Lists the files that the service worker keeps: all files of the build except itself. The version is a hash of their
 * content, as some names (index.html) never change.
 * @param publicFolder Folder of files that are copied unchanged.
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
          this.error(
            `precacheList: expected a chunk service-worker.js with '__PRECACHE__', got a build without it. Check vite.config.ts.`,
          );
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
