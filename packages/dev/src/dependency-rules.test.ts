import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { root } from '@dpar/config/published';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { expect, it } from 'vitest';
import { run } from './publish/commands.js';

const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const rules = join(root, 'packages/dev/dependency-rules.mjs');
const cruise = (folder: string, ...args: string[]) =>
  run(process.execPath, [cruiser, '--config', rules, '--no-progress', ...args, 'packages', 'examples'], folder);

it('are kept by all packages and examples', async () => {
  const { status, stdout } = await cruise(root);
  expect(stdout).toMatch(/no dependency violations found \(\d{4} modules, \d{4} dependencies cruised\)/);
  expect(status).toBe(0);
});

/** A small workspace: its packages, and the entries of their package.json. */
const manifests: Readonly<Record<string, object>> = {
  'packages/nn': {
    dependencies: { '@dpar/rope': '*', '@dpar/model': '*', '@dpar/train': '*' },
    peerDependencies: { '@dpar/tensor': '*', '@dpar/sampler': '*', peer: '*' },
    devDependencies: {
      '@dpar/check': '*',
      '@dpar/io': '*',
      '@dpar/report': '*',
      '@dpar/example-emoji': '*',
      tool: '*',
    },
  },
  'packages/rope': { peerDependencies: { '@dpar/tensor': '*' }, devDependencies: { '@dpar/check': '*' } },
  'packages/fixtures': { dependencies: { '@dpar/tensor': '*' }, devDependencies: { tool: '*' } },
  'packages/io': {},
  'packages/pipeline': {},
  'packages/other': { dependencies: { peer: '*' } },
  'examples/a': {
    dependencies: {
      '@dpar/cli': '*',
      '@dpar/example-emoji': '*',
      '@dpar/example-kit': '*',
      '@dpar/example-kitchen': '*',
    },
    devDependencies: { tool: '*' },
  },
};

/** Files of that workspace with one import each, and the rules that it breaks. */
const cases: readonly (readonly [file: string, specifier: string, ...broken: string[]])[] = [
  ['packages/nn/src/dependency.ts', '@dpar/rope'],
  ['packages/nn/src/dependency-above.ts', '@dpar/model', 'above-nn'],
  ['packages/nn/src/dependency-above.test.ts', '@dpar/model', 'above-nn'],
  ['packages/nn/src/part-above.ts', '@dpar/model/node', 'above-nn'],
  ['packages/nn/src/type-above.ts', 'type @dpar/model', 'above-nn'],
  ['packages/nn/src/unbuilt-above.ts', '@dpar/train', 'above-nn'],
  ['packages/nn/src/peer.ts', '@dpar/tensor'],
  ['packages/nn/src/peer-above.ts', '@dpar/sampler', 'above-nn'],
  ['packages/nn/src/development.test.ts', '@dpar/io'],
  ['packages/nn/src/development-above.test.ts', '@dpar/report', 'above-nn'],
  ['packages/nn/src/example.test.ts', '@dpar/example-emoji', 'above-nn'],
  ['packages/fixtures/src/library.ts', '@dpar/tensor', 'above-tools'],
  ['examples/a/src/library.ts', '@dpar/cli'],
  ['examples/a/src/kit.ts', '@dpar/example-kit'],
  ['examples/a/src/kitchen.ts', '@dpar/example-kitchen', 'example-in-example'],
  ['examples/a/src/example.ts', '@dpar/example-emoji', 'example-in-example'],
  ['packages/other/src/a.ts', 'peer', 'unknown-package'],

  ['packages/nn/src/declared-in-root.test.ts', 'runner'],
  ['packages/nn/src/declared-in-root.ts', 'runner', 'development-only'],
  ['packages/nn/src/peer-of-others.ts', 'peer'],
  ['packages/nn/src/tool.ts', 'tool', 'development-only'],
  ['packages/nn/src/tool-type.ts', 'type tool', 'development-only'],
  ['packages/nn/src/tool.test.ts', 'tool'],
  ['packages/nn/src/testing/tool.ts', 'tool'],
  ['packages/nn/src/built-in.ts', '@dpar/check'],
  ['packages/nn/src/io.ts', '@dpar/io', 'development-only'],
  ['packages/fixtures/src/tool.ts', 'tool'],
  ['examples/a/src/tool.ts', 'tool', 'development-only'],

  ['packages/rope/src/built-in.ts', '@dpar/check'],
  ['packages/rope/src/tensor.ts', '@dpar/tensor', 'standalone'],
  ['packages/rope/src/tensor-type.ts', 'type @dpar/tensor', 'standalone'],
  ['packages/rope/src/tensor.test.ts', '@dpar/tensor'],

  ['packages/nn/src/files.ts', 'node:fs', 'portable'],
  ['packages/nn/src/files.test.ts', 'node:fs'],
  ['packages/io/src/files.ts', 'node:fs'],
  ['packages/pipeline/src/files.ts', 'node:fs', 'portable'],
  ['packages/pipeline/src/disk/files.ts', 'node:fs'],

  ['packages/nn/outside.ts', './src/files.js'],
  ['packages/nn/src/deep/outside.ts', '../../outside.js'],
  ['packages/nn/src/deep/other.ts', '../../../rope/src/tensor.js', 'relative-import-leaves-package'],
  ['packages/nn/src/deep/other.test.ts', '../../../rope/src/tensor.js', 'relative-import-leaves-package'],
];

it('can all be broken', async () => {
  const folder = await temporaryFolder();
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  const install = async (path: string): Promise<void> => {
    await write(`${path}/package.json`, '{ "exports": { ".": "./a.js", "./node": "./a.js" } }');
    if (!path.endsWith('/train')) await write(`${path}/a.js`, 'export const a = 1;');
  };
  await write('package.json', '{ "devDependencies": { "runner": "*" } }');
  for (const name of ['peer', 'tool', 'runner']) await install(`node_modules/${name}`);
  for (const [path, manifest] of Object.entries(manifests)) {
    await write(`${path}/package.json`, JSON.stringify(manifest));
    const names = Object.values(manifest).flatMap((entries) => Object.keys(entries));
    for (const name of names.filter((name) => name.startsWith('@dpar/'))) await install(`${path}/node_modules/${name}`);
  }
  for (const [file, specifier] of cases) {
    const [, type = '', name] = /^(type )?(.*)$/.exec(specifier) ?? [];
    await write(file, `import ${type}{ a } from '${name}';\nexport const b: typeof a = a;\n`);
  }
  const { stdout } = await cruise(folder, '--output-type', 'json');
  const { summary } = JSON.parse(stdout) as { summary: { violations: { from: string; rule: { name: string } }[] } };
  const found = summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`);
  const expected = cases.flatMap(([file, , ...broken]) => broken.map((rule) => `${file}: ${rule}`));
  expect(found.sort()).toEqual(expected.sort());
});
