import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const packages = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles a source with the sources of all packages to a file for Node, in tests. @returns Path of the bundle. */
export async function bundle(source: URL, folder: string): Promise<string> {
  await build({
    entry: { program: fileURLToPath(source) },
    outDir: folder,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    config: false,
    silent: true,
    clean: false,
    minify: true,
    outExtension: () => ({ js: '.mjs' }),
    noExternal: [/.*/],
    esbuildPlugins: [
      {
        name: 'sources',
        setup({ onResolve }) {
          onResolve({ filter: /^@dpar\// }, ({ path }) => {
            const [, name = '', entry = 'index'] = path.split('/');
            return { path: join(packages, name, 'src', `${entry}.ts`) };
          });
        },
      },
    ],
  });
  return join(folder, 'program.mjs');
}
