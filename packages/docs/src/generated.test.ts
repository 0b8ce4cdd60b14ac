import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../generate.mjs', import.meta.url));

it('links to the lines that declare what is named, and has the graph and sizes of now (npm run docs)', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
