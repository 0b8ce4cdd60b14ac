import { DparError } from '@dpar/tensor';
import { expect, it, vi } from 'vitest';
import { coreCount, defaultRuntime } from './runtime.js';

vi.mock('onnxruntime-web', () => {
  throw new Error('no such package');
});

it('says which package is missing', async () => {
  const { createOrtEngine } = await import('./index.js');
  const created = createOrtEngine({ runtime: 'web' });
  await expect(created).rejects.toThrow(/expected the package 'onnxruntime-web', got: .* npm i onnxruntime-web$/s);
  await expect(created).rejects.toBeInstanceOf(DparError);
});

it('knows Node and its cores', async () => {
  expect(defaultRuntime()).toBe('node');
  expect(await coreCount()).toBeGreaterThanOrEqual(1);
});
