import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPackageFromTarballData, type Package } from '@arethetypeswrong/core';
import { type PackageManifest, type Published, root } from '@dpar/config/published';
import { pnpm, runOrThrow } from './commands.js';

/** Tarball of a package, as published. */
export interface Tarball {
  readonly name: string;
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Its package.json, in which pnpm has replaced `workspace:^` by versions. */
  readonly manifest: PackageManifest;
  /** Paths of its files. */
  readonly files: readonly string[];
  readonly contents: Package;
}

/** Packs built packages into a folder, as publishing does. */
export async function packAll(packages: readonly Published[], folder: string): Promise<Tarball[]> {
  const filters = packages.flatMap(({ name }) => ['--filter', name]);
  await runOrThrow('npx', pnpm('--recursive', ...filters, 'pack', '--pack-destination', folder), root);
  return Promise.all(
    packages.map(async ({ name, manifest: { version } }) => {
      const file = join(folder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
      const bytes = await readFile(file);
      const contents = createPackageFromTarballData(bytes);
      const prefix = `/node_modules/${name}/`;
      const manifest = JSON.parse(contents.readFile(`${prefix}package.json`)) as PackageManifest;
      const files = contents.listFiles().map((path) => path.slice(prefix.length));
      return { name, file, bytes, manifest, files, contents };
    }),
  );
}
