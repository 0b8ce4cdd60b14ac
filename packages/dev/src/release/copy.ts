import { cp, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Published, root } from '@dpar/config/published';
import { runOrThrow } from '../publish/commands.js';

/**
 * Copies the parts of a release to a new git repository: manifests of all workspace packages, and the files of the tarballs.
 */
export async function copyForRelease(published: readonly Published[], target: string): Promise<void> {
  const tracked = (await runOrThrow('git', ['ls-files', '--cached', '--others', '--exclude-standard'], root)).split(
    '\n',
  );
  const isManifest =
    /^(\.changeset\/.*|LICENSE|package\.json|pnpm-workspace\.yaml|(packages|examples)\/[\w-]+\/package\.json)$/;
  const shipped = published.flatMap(({ folder, manifest }) =>
    ['README.md', ...manifest.files].map((name) => `${folder}/${name}`),
  );
  for (const path of [...tracked.filter((file) => isManifest.test(file)), ...shipped]) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await cp(join(root, path), join(target, path), { recursive: true });
  }
  // pnpm reads the versions of other packages from their installation.
  for (const { folder, manifest } of published) {
    const modules = join(target, folder, 'node_modules/@dpar');
    await mkdir(modules, { recursive: true });
    const others = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.devDependencies };
    for (const name of Object.keys(others).filter((other) => other.startsWith('@dpar/'))) {
      const short = name.slice('@dpar/'.length);
      await symlink(join(target, 'packages', short), join(modules, short), 'junction');
    }
  }
  // Changesets asks git for the commits that added notes.
  const author = [
    '-c',
    'user.name=release test',
    '-c',
    'user.email=test@example.invalid',
    '-c',
    'commit.gpgsign=false',
  ];
  await runOrThrow('git', ['init', '--quiet', '--initial-branch=main'], target);
  await runOrThrow('git', ['add', '.changeset', 'package.json'], target);
  await runOrThrow('git', [...author, 'commit', '--quiet', '--message=Copy'], target);
}
