import { DparError } from '@dpar/tensor';
import { afterEach, expect, it, vi } from 'vitest';
import { absence, defaultRuntime, loadOrt, ortInstallHints } from './runtime.js';

vi.mock('onnxruntime-web', () => {
  throw new Error('no such package');
});

it('says which package does not start', async () => {
  const { createOrtEngine } = await import('./index.js');
  const created = createOrtEngine({ runtime: 'web' });
  await expect(created).rejects.toThrow(
    /expected the package 'onnxruntime-web' to start, got '.*'\. Install it again: npm install onnxruntime-web$/s,
  );
  await expect(created).rejects.toBeInstanceOf(DparError);
});

it.each([
  // As Node, an older Node, Bun and Deno say it.
  [
    "Cannot find package 'onnxruntime-node' imported from /a/b.js",
    "expected the package 'onnxruntime-node', got none.",
  ],
  ["Cannot find module 'onnxruntime-node'\nRequire stack:\n- /a", "expected the package 'onnxruntime-node', got none."],
  ["Cannot find package 'onnxruntime-node' from '/a/b.js'", "expected the package 'onnxruntime-node', got none."],
  ['Import "onnxruntime-node" not a dependency', "expected the package 'onnxruntime-node', got none."],
  [
    "Cannot find module '../bin/napi-v6/freebsd/x64/onnxruntime_binding.node'",
    "to start, got 'Cannot find module '../bin/napi-v6/freebsd/x64/onnxruntime_binding.node''",
  ],
  ['libstdc++.so.6: cannot open shared object file', "to start, got 'libstdc++.so.6: cannot open shared object file'"],
])('tells a package that is missing from one that does not start: %s', (message, expected) => {
  expect(absence('onnxruntime-node', new Error(message))).toContain(expected);
});

it('installs onnxruntime-node without the download of its script', () => {
  expect(ortInstallHints.node).toBe('npm install --onnxruntime-node-install=skip onnxruntime-node');
});

afterEach(() => vi.unstubAllEnvs());

it.each([
  [undefined, '1'],
  ['0', '0'],
])('loads a runtime that does not report its use, unless the user said otherwise (%s)', async (given, expected) => {
  vi.stubEnv('ORT_DISABLE_TELEMETRY', given);
  await loadOrt('node', 'cpu');
  expect(process.env.ORT_DISABLE_TELEMETRY).toBe(expected);
});

it('knows Node', () => {
  expect(defaultRuntime()).toBe('node');
});

it('has the threads that Slurm grants, unless told', async () => {
  vi.stubEnv('SLURM_CPUS_PER_TASK', '1');
  const { createOrtEngine } = await import('./index.js');
  const [granted, told] = [await createOrtEngine(), await createOrtEngine({ threads: 3 })];
  expect([granted.name, told.name]).toEqual([
    expect.stringContaining('(cpu, 1 thread)'),
    expect.stringContaining('(cpu, 3 threads)'),
  ]);
});
