import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

export async function compressedBytes(file, exports = '*') {
  const { outputFiles } = await build({
    stdin: { contents: `export ${exports} from ${JSON.stringify(file)};`, resolveDir: dirname(file) },
    ...{ bundle: true, minify: true, format: 'esm', platform: 'neutral', target: 'es2022' },
    ...{ packages: 'external', external: ['node:*'], write: false, logLevel: 'silent' },
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}
