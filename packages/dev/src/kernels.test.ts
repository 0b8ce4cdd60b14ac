import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('has kernels that are what their sources compile to', () => {
  const script = fileURLToPath(new URL('../kernels.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout.split('\n').filter((line) => line !== '')).toEqual([
    'packages/eval/src/kernels/products.wasm.ts',
    'packages/eval/src/kernels/symmetric.wasm.ts',
    'packages/tensor/src/kernels/philox.wasm.ts',
    'packages/train/src/kernels/optimizer.wasm.ts',
  ]);
  expect(status).toBe(0);
});
