import { describe, expect, it } from 'vitest';
import { findViolations, floors, type Manifest, type WorkspacePackage } from './boundaries.js';
import { readImports } from './imports.js';
import { readRootDependencies, readWorkspace } from './workspace.js';

describe('the workspace', () => {
  const packages = readWorkspace();

  it('has the packages and sources that the checks are about', () => {
    const names = packages.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['@dpar/tensor', '@dpar/cli', '@dpar/fixtures', '@dpar/example-emoji']),
    );
    const libraries = packages.filter(({ name }) => floors.includes(name));
    expect(libraries.filter(({ sources }) => sources.length === 0)).toEqual([]);
  });

  it('holds only known packages', () => {
    const known = [...floors, '@dpar/check', '@dpar/config', '@dpar/dev', '@dpar/docs', '@dpar/fixtures'];
    const others = packages.map(({ name }) => name).filter((name) => !known.includes(name));
    expect(others.filter((name) => !name.startsWith('@dpar/example-'))).toEqual([]);
  });

  it('has dependencies that point down and imports that are declared', () => {
    expect(findViolations(packages, readRootDependencies())).toEqual([]);
  });
});

describe('findViolations', () => {
  const check = (name: string, manifest: Manifest, source = '', file = 'src/a.ts') => {
    const pkg: WorkspacePackage = { name, manifest, sources: [{ file, imports: readImports(source) }] };
    return findViolations([pkg], ['vitest']);
  };

  it.each(['dependencies', 'peerDependencies', 'devDependencies'])(
    'finds %s that point up or to themselves',
    (kind) => {
      expect(check('@dpar/nn', { [kind]: { '@dpar/model': '*' } })).toHaveLength(1);
      expect(check('@dpar/nn', { [kind]: { '@dpar/nn': '*' } })).toHaveLength(1);
      expect(check('@dpar/nn', { [kind]: { '@dpar/rope': '*' } })).toEqual([]);
      expect(check('@dpar/fixtures', { [kind]: { '@dpar/tensor': '*' } })).toHaveLength(1);
      expect(check('@dpar/example-a', { [kind]: { '@dpar/cli': '*' } })).toEqual([]);
      expect(check('@dpar/example-a', { [kind]: { '@dpar/example-kit': '*' } })).toEqual([]);
      expect(check('@dpar/cli', { [kind]: { '@dpar/example-kit': '*' } })).toHaveLength(1);
      expect(check('@dpar/example-a', { [kind]: { '@dpar/example-b': '*' } })).toHaveLength(1);
    },
  );

  it('wants development packages among the devDependencies', () => {
    expect(check('@dpar/nn', { devDependencies: { '@dpar/fixtures': '*' } })).toEqual([]);
    expect(check('@dpar/nn', { dependencies: { '@dpar/fixtures': '*' } })).toHaveLength(1);
  });

  it('finds imports that are not declared, of our packages and of others', () => {
    for (const target of ['@dpar/rope', 'fflate', '@scope/other']) {
      const source = `import { a } from '${target}/part';`;
      expect(check('@dpar/nn', {}, source)).toHaveLength(1);
      expect(check('@dpar/nn', { dependencies: { [target]: '*' } }, source)).toEqual([]);
      expect(check('@dpar/nn', { devDependencies: { [target]: '*' } }, source)).toHaveLength(1);
      expect(check('@dpar/nn', { devDependencies: { [target]: '*' } }, source, 'src/a.test.ts')).toEqual([]);
    }
    expect(check('@dpar/nn', {}, "import { it } from 'vitest';", 'src/a.test.ts')).toEqual([]);
  });

  it('finds imports of packages that work alone, of types too', () => {
    const manifest = { peerDependencies: { '@dpar/tensor': '*' } };
    expect(check('@dpar/nn', manifest, "import type { Ops } from '@dpar/tensor';")).toEqual([]);
    expect(check('@dpar/rope', manifest, "import type { Ops } from '@dpar/tensor';")).toHaveLength(1);
    expect(check('@dpar/rope', manifest, "export { createOps } from '@dpar/tensor';")).toHaveLength(1);
    expect(check('@dpar/rope', manifest, "import { createOps } from '@dpar/tensor';", 'src/a.test.ts')).toEqual([]);
  });

  it('keeps modules of Node out of packages that run in a browser', () => {
    expect(check('@dpar/model', {}, "import { readFileSync } from 'node:fs';")).toHaveLength(1);
    expect(check('@dpar/model', {}, "import { readFileSync } from 'node:fs';", 'src/a.test.ts')).toEqual([]);
    expect(check('@dpar/io', {}, "import { readFileSync } from 'node:fs';")).toEqual([]);
  });
});

describe('readImports', () => {
  it('finds every form of import and nothing in comments or strings', () => {
    const source = `
      // import 'comment';
      const text = "import 'string'";
      import 'a';
      import b, { type B } from 'b';
      import type { C } from 'c';
      export * from 'd';
      export type { E } from 'e';
      const f = async () => import('f');
      let g: import('g').G;
      export const h = 1;
    `;
    expect(readImports(source)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  });
});
