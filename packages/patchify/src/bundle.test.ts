import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'tsup';
import { describe, expect, it } from 'vitest';

/** Bytes, minified and compressed, of a program that uses these exports. */
async function bundledBytes(exports: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
  try {
    const source = fileURLToPath(new URL('./index.ts', import.meta.url));
    writeFileSync(join(folder, 'entry.ts'), `export ${exports} from ${JSON.stringify(source)};`);
    await build({
      entry: [join(folder, 'entry.ts')],
      outDir: join(folder, 'out'),
      format: 'esm',
      target: 'es2022',
      platform: 'browser', // a module of Node would not resolve
      minify: true,
      config: false,
      silent: true,
    });
    return gzipSync(readFileSync(join(folder, 'out', 'entry.js'))).length;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the bundle for browsers', () => {
  // A page that only needs this package should not notice its size.
  it('is below 3 kB as a whole', async () => {
    expect(await bundledBytes('*')).toBeLessThan(3000);
  });

  it('leaves out what is not used', async () => {
    expect(await bundledBytes('{ bucketSize }')).toBeLessThan(700);
  });
});
