import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import type { Plugin } from 'vite';
import { manifestFile } from '../src/manifest.js';
import { readModelFiles } from '../src/node/model-files.js';

/** Media types of the files of a model. */
const types: Readonly<Record<string, string>> = { '.png': 'image/png', '.jpg': 'image/jpeg', '.webp': 'image/webp' };

/** Serves a model folder beside the page of the development server. */
export function modelOfPage(folder: string): Plugin {
  return {
    name: 'dpar:model',
    apply: 'serve',
    async configureServer({ middlewares }) {
      const { manifest, sources } = await readModelFiles(folder);
      middlewares.use((request, response, next) => {
        const name = new URL(request.url ?? '/', 'http://page').pathname.slice(1);
        const path = sources.get(name);
        if (name === manifestFile) response.end(JSON.stringify(manifest));
        else if (path === undefined) next();
        else {
          response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream');
          createReadStream(path).pipe(response);
        }
      });
    },
  };
}
