import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PackageManifest, publishedPackages, root } from '@dpar/config/published';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pnpm, runOrThrow } from '../publish/commands.js';
import { type Registry, serveRegistry } from '../publish/registry.js';
import { copyForRelease } from './copy.js';

const packages = publishedPackages();
const note = 'Positions may be fractions.';

let folder: string;
let state: string;
let original: string;
let registry: Registry;

const treeState = () => runOrThrow('git', ['status', '--porcelain'], root);
const read = (path: string) => readFile(join(folder, path), 'utf8');
const manifestOf = async (path: string) => JSON.parse(await read(`${path}/package.json`)) as PackageManifest;

describe('a release, in a copy', () => {
  beforeAll(async () => {
    state = await treeState();
    original = packages[0]!.manifest.version;
    folder = await mkdtemp(join(tmpdir(), 'dpar-release-'));
    registry = await serveRegistry([]);
    await copyForRelease(packages, folder);
    // One change, of one package: what is to be written for all others follows from the settings.
    for (const file of await readdir(join(folder, '.changeset'))) {
      if (file.endsWith('.md') && file !== 'README.md') await rm(join(folder, '.changeset', file));
    }
    await writeFile(join(folder, '.changeset', 'fractions.md'), `---\n'@dpar/tensor': minor\n---\n\n${note}\n`);
    await runOrThrow(process.execPath, [join(root, 'packages/dev/release-version.mjs')], folder);
  }, 120_000);

  afterAll(async () => {
    await registry.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('gives all packages the next minor version, and private ones none', async () => {
    const [major, minor] = original.split('.').map(Number);
    const next = `${major}.${minor! + 1}.0`;
    for (const { folder: path } of packages) expect((await manifestOf(path)).version, path).toBe(next);
    for (const path of ['packages/dev', 'packages/fixtures', 'examples/emoji']) {
      expect((await manifestOf(path)).version).toBe(
        JSON.parse(await readFile(join(root, path, 'package.json'), 'utf8')).version,
      );
    }
  });

  it('leaves the ranges by which packages take one another as they are', async () => {
    for (const { folder: path, manifest } of packages) {
      const { dependencies, peerDependencies } = await manifestOf(path);
      expect({ dependencies, peerDependencies }, path).toEqual({
        dependencies: manifest.dependencies,
        peerDependencies: manifest.peerDependencies,
      });
    }
  });

  it('writes change logs and uses up the notes', async () => {
    expect(await read('packages/tensor/CHANGELOG.md')).toContain(note);
    for (const { folder: path, manifest } of packages) {
      expect(await read(`${path}/CHANGELOG.md`)).toContain(`# ${manifest.name}\n`);
    }
    expect(await readdir(join(folder, '.changeset'))).toEqual(['README.md', 'config.json']);
  });

  it('would publish every package', async () => {
    // A registry that has none of them yet.
    await writeFile(join(folder, '.npmrc'), `@dpar:registry=${registry.url}\n`);
    const filters = packages.flatMap(({ name }) => ['--filter', name]);
    const options = ['--dry-run', '--no-git-checks', '--access', 'public', '--ignore-scripts'];
    const version = (await manifestOf(packages[0]!.folder)).version;
    const printed = await runOrThrow('npx', pnpm('--recursive', ...filters, 'publish', ...options), folder);
    for (const { name } of packages) expect(printed).toContain(`${name}@${version}`);
  }, 300_000);

  it('leaves no trace in the working tree', async () => {
    expect(await treeState()).toBe(state);
  });
});
