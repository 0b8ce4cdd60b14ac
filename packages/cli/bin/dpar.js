#!/usr/bin/env node
// Committed, so that a package manager can link the command before the first build.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('dpar: expected the built command, got none. Run `npm run build` first.\n');
  process.exitCode = 1;
}
