import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-python-'));
  vi.resetModules();
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const findTorch = async () => (await import('./python.js')).findPython('torch');

it('prefers the Python of DPAR_PYTHON', async () => {
  const command = join(folder, 'python');
  await writeFile(command, '#!/bin/sh\necho 2.9.1+cpu\n');
  await chmod(command, 0o755);
  vi.stubEnv('DPAR_PYTHON', command);
  expect(await findTorch()).toEqual({ command, version: '2.9.1+cpu' });
});

const hasPython = spawnSync('python3', ['--version']).status === 0;

it.skipIf(!hasPython).each([
  ['2.0.1+cpu', '2.0.1+cpu'],
  ['1.13.1', undefined],
])('accepts PyTorch 2 and above: %s', async (version, found) => {
  await writeFile(join(folder, 'torch.py'), `__version__ = "${version}"\n`);
  vi.stubEnv('DPAR_PYTHON', '');
  vi.stubEnv('PYTHONPATH', folder);
  expect((await findTorch())?.version).toBe(found);
});
