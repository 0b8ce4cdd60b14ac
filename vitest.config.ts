import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const packages = fileURLToPath(new URL('./packages', import.meta.url));
const examples = fileURLToPath(new URL('./examples', import.meta.url));

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
    include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts'],
    // ONNX Runtime's binding crashes in worker threads.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
