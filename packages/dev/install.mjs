import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { executePnpm, manifest, root, say } from './process.mjs';

const stampFile = join(root, 'node_modules', '.dpar-install-stamp');

/** Installs the dependencies if they changed since the last installation. @returns True if they are installed. */
export async function install() {
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp()) return true;
  say(`installing dependencies with ${manifest.packageManager} ...`);
  const status = await executePnpm(['install', '--config.confirmModulesPurge=false'], { quietStdout: true });
  if (status !== 0) {
    say(
      `install: expected pnpm to end with status 0, got ${status}. Read its messages above, and check that the npm registry answers.`,
    );
    return false;
  }
  writeFileSync(stampFile, stamp());
  return true;
}

/** Hash of everything that determines the installation: the lock file, the workspace file and every package.json. */
function stamp() {
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...packageFiles()]) {
    const path = join(root, file);
    hash.update(`\n${file}\n`).update(existsSync(path) ? readFileSync(path) : 'missing');
  }
  return hash.digest('hex');
}

function packageFiles() {
  const folders = ['packages', 'examples'].filter((folder) => existsSync(join(root, folder)));
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .sort()
      .map((name) => `${folder}/${name}/package.json`)
      .filter((file) => existsSync(join(root, file))),
  );
}
