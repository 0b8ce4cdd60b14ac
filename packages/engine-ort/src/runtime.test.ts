import { DparError } from '@dpar/tensor';
import { afterEach, expect, it, vi } from 'vitest';
import { coreCount, defaultRuntime, loadRuntime } from './runtime.js';

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

it('knows Node and its cores', async () => {
  expect(defaultRuntime()).toBe('node');
  expect(await coreCount()).toBeGreaterThanOrEqual(1);
});
