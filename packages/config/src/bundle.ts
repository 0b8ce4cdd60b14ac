import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const packages = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Bundles a source with the sources of all packages to a file, in tests.
 * @param platform Where the file runs.
 * @returns Path of the bundle.
 */
export async function bundle(source: URL, folder: string, platform: 'node' | 'browser' = 'node'): Promise<string> {
  await build({
    entry: { program: fileURLToPath(source) },
    outDir: folder,
    format: 'esm',
    target: platform === 'node' ? 'node20' : 'es2022',
    platform,
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
