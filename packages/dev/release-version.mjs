// Sets the next version and the change logs of all packages in the current folder's repository, from the notes in `.changeset`.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './process.mjs';

const files = readdirSync('packages').map((name) => join('packages', name, 'package.json'));

/** Rewrites the ranges of peer dependencies between packages. */
function setPeerRanges(from, to) {
  for (const file of files) {
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    const peers = Object.entries(manifest.peerDependencies ?? {}).filter(([, range]) => range === from);
    if (peers.length === 0) continue;
    for (const [name] of peers) manifest.peerDependencies[name] = to;
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
  }
}

// Changesets makes a release major if a peer leaves its range, and before 1.0.0 every minor version leaves `^`.
// All packages are released together with peers of their own version, so open ranges are safe here.
const open = 'workspace:>=0.0.0';
setPeerRanges('workspace:^', open);
try {
  const changeset = join(root, 'node_modules/@changesets/cli/bin.js');
  const { status } = spawnSync(process.execPath, [changeset, 'version'], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  setPeerRanges(open, 'workspace:^');
}
