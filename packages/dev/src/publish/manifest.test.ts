import { type PackageManifest, publishedPackages } from '@dpar/config/published';
import { describe, expect, it } from 'vitest';
import { manifestFaults } from './manifest.js';

const packages = publishedPackages();

it('finds the packages', () => {
  expect(packages.length).toBeGreaterThanOrEqual(16);
});

it.each(packages)('$name has the package.json of a package for everybody', ({ manifest, folder }) => {
  expect(manifestFaults(manifest, folder)).toEqual([]);
});

it('gives all packages one version', () => {
  expect(new Set(packages.map(({ manifest }) => manifest.version)).size).toBe(1);
});

it.each(packages)('$name needs only published packages of this repository, at their versions', ({ manifest }) => {
  const published = packages.map(({ name }) => name);
  const needed = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(([name]) =>
    name.startsWith('@dpar/'),
  );
  expect(needed.filter(([name, range]) => !published.includes(name) || range !== 'workspace:^')).toEqual([]);
});

describe('manifestFaults', () => {
  const { manifest, folder } = packages.find(({ name }) => name === '@dpar/nn')!;
  const faults = (change: Partial<PackageManifest>) => manifestFaults({ ...manifest, ...change }, folder);

  it.each<[string, Partial<PackageManifest>]>([
    ['CommonJS', { type: 'commonjs' }],
    ['no access', { publishConfig: { provenance: true } }],
    ['no keywords', { keywords: [] }],
    ['types after the code', { exports: { '.': { default: './dist/index.js', types: './dist/index.d.ts' } } }],
    ['types elsewhere', { exports: { '.': { types: './src/index.ts', default: './dist/index.js' } } }],
    ['no code', { files: ['src'] }],
    ['side effects of a library', { sideEffects: ['./dist/index.js'] }],
    ['nothing about side effects', { sideEffects: true }],
    ['a runtime as dependency', { dependencies: { 'onnxruntime-node': '1.0.0' } }],
    ['two copies of the tensor interface', { dependencies: { '@dpar/tensor': 'workspace:^' } }],
    ['a runtime that must be installed', { peerDependencies: { 'onnxruntime-web': '1.0.0' } }],
  ])('finds %s', (_, change) => {
    expect(faults(change)).toHaveLength(1);
  });
});
