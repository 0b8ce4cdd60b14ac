import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));
const packages = join(root, 'packages');
const examples = join(root, 'examples');

/** Marks of test files that change what others in the same process would see. */
const changesProcess =
  /vi\.(mock|doMock|hoisted|stubGlobal|resetModules)\(|\bchdir\(|\benterWorkFolder\(|\bcountAllocations\(|process\.env\b.* = |globalThis\.?\w* = |defineProperty\(globalThis/;

/** Test files of all packages and examples, from the root. */
const files = ['packages', 'examples'].flatMap((group) =>
  readdirSync(join(root, group)).flatMap((name) => {
    const source = join(group, name, 'src');
    if (!existsSync(join(root, source))) return [];
    const found = readdirSync(join(root, source), { recursive: true, encoding: 'utf8' });
    return found.filter((file) => file.endsWith('.test.ts')).map((file) => join(source, file));
  }),
);
const alone = files.filter((file) => changesProcess.test(readFileSync(join(root, file), 'utf8')));

export default defineConfig({
  resolve: {
    // Tests read the sources, so that they need no build.
    alias: [
      { find: /^@dpar\/example-([^/]+)$/, replacement: `${examples}/$1/src/index.ts` },
      { find: /^@dpar\/example-([^/]+)\/([^/]+)$/, replacement: `${examples}/$1/src/$2` },
      { find: /^@dpar\/([^/]+)$/, replacement: `${packages}/$1/src/index.ts` },
      { find: /^@dpar\/([^/]+)\/([^/]+)$/, replacement: `${packages}/$1/src/$2` },
    ],
  },
  test: {
    // ONNX Runtime's binding crashes in worker threads.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      // Loading the modules anew for each file takes as long as a fifth of the tests.
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts'],
          exclude: alone,
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
  },
});
