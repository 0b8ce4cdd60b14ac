import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { expect, it } from 'vitest';
import { packageGraph } from '../generate/graph.js';
import { refreshLinks } from '../generate/links.js';
import { refreshSizes } from '../generate/sizes.js';

it('finds the line of a declaration', async () => {
  const folder = await temporaryFolder();
  await writeFile(
    join(folder, 'a.ts'),
    '// three\n\nexport async function three() {}\nclass A {\n  four<T>(): T {}\n}\n',
  );
  const fresh = (text: string) => refreshLinks(text, join(folder, 'b.md'));
  expect(fresh('[`three`](a.ts#L1) and [`four`](a.ts#L9)')).toBe('[`three`](a.ts#L3) and [`four`](a.ts#L5)');
  expect(() => fresh('[`five`](a.ts#L1)')).toThrow('expected a.ts to declare five');
  expect(() => fresh('[`three`](c.ts#L1)')).toThrow('c.ts');
});

it('draws no arrow that follows from others', async () => {
  const root = await temporaryFolder();
  const write = async (name: string, manifest: object) => {
    await mkdir(join(root, 'packages', name), { recursive: true });
    await writeFile(
      join(root, 'packages', name, 'package.json'),
      JSON.stringify({ name: `@dpar/${name}`, ...manifest }),
    );
  };
  await write('a', { dependencies: { '@dpar/b': '*', other: '*' }, peerDependencies: { '@dpar/c': '*' } });
  await write('b', { dependencies: { '@dpar/c': '*' } });
  await write('c', {});
  await write('d', { private: true });
  expect(packageGraph(root)).toBe('```mermaid\nflowchart TD\n  a --> b\n  b --> c\n  c\n```\n');
});

it('changes a size that is off by more than a tenth', async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, 'packages/a/src'), { recursive: true });
  // Digits that do not compress to less than four tenths of their number.
  const digits = Array.from({ length: 5000 }, (_, i) => Math.floor(10 * ((Math.sin(i) * 1e4) % 1) ** 2)).join('');
  await writeFile(join(root, 'packages/a/src/index.ts'), `export const text = '${digits}';`);
  const row = (size: string) => `| [\`@dpar/a\`](packages/a) | ${size} kB | text |\n`;
  const fresh = await refreshSizes(row('?'), root);
  const size = Number(/\| ([\d.]+) kB/.exec(fresh)?.[1]);
  expect(size).toBeGreaterThan(1.5);
  expect(size).toBeLessThan(5);
  expect(await refreshSizes(row((size + 0.2).toFixed(1)), root)).toBe(row((size + 0.2).toFixed(1)));
  expect(await refreshSizes(row((2 * size).toFixed(1)), root)).toBe(fresh);
});
