import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@dpar/config/published';
import type { Manifest, WorkspacePackage } from './boundaries.js';
import { readImports } from './imports.js';

/** All packages of the repository with what their sources import. */
export function readWorkspace(): WorkspacePackage[] {
  return ['packages', 'examples'].flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => `${group}/${name}`)
      .filter((folder) => existsSync(join(root, folder, 'package.json')))
      .map(readPackage),
  );
}

/** Names of the root's devDependencies. */
export function readRootDependencies(): string[] {
  return Object.keys(readManifest('.').devDependencies ?? {});
}

function readPackage(folder: string): WorkspacePackage {
  const manifest = readManifest(folder);
  const src = join(root, folder, 'src');
  const files = existsSync(src) ? readdirSync(src, { recursive: true, encoding: 'utf8' }) : [];
  const sources = files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ file: join(folder, 'src', file), imports: readImports(readFileSync(join(src, file), 'utf8')) }));
  return { name: manifest.name, manifest, sources };
}

function readManifest(folder: string): Manifest & { name: string } {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
}
