import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

// Built into the packages that use it, so it counts as part of them.
const check = fileURLToPath(new URL('../../check/src/index.ts', import.meta.url));

export async function compressedBytes(file, exports = '*') {
  const { outputFiles } = await build({
    stdin: { contents: `export ${exports} from ${JSON.stringify(file)};`, resolveDir: dirname(file) },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    alias: { '@dpar/check': check },
    packages: 'external',
    external: ['node:*'],
    write: false,
    logLevel: 'silent',
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}
