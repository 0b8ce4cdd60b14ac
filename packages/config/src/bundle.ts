import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const packages = fileURLToPath(new URL('../../', import.meta.url));

/** For tests: bundles a source, with those of all packages, to a file that Node runs. @returns Its path. */
export async function bundle(source: URL, folder: string): Promise<string> {
  await build({
    entry: { program: fileURLToPath(source) },
    outDir: folder,
    ...{ format: 'esm', target: 'node20', platform: 'node', config: false, silent: true, clean: false, minify: true },
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
