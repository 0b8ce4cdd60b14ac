import { DparError } from '@dpar/tensor';
import { afterEach, expect, it, vi } from 'vitest';
import { defaultRuntime, loadRuntime } from './runtime.js';

vi.mock('onnxruntime-web', () => {
  throw new Error('no such package');
});

it('says which package is missing', async () => {
  const { createOrtEngine } = await import('./index.js');
  const created = createOrtEngine({ runtime: 'web' });
  await expect(created).rejects.toThrow(/expected the package 'onnxruntime-web', got: .* npm i onnxruntime-web$/s);
  await expect(created).rejects.toBeInstanceOf(DparError);
});

afterEach(() => vi.unstubAllEnvs());

it.each([
  [undefined, '1'],
  ['0', '0'],
])('loads a runtime that does not report its use, unless the user said otherwise (%s)', async (given, expected) => {
  vi.stubEnv('ORT_DISABLE_TELEMETRY', given);
  await loadRuntime('node', 'cpu');
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
