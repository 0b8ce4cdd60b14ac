import { expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';
import { version } from '../version.js';

it('tells versions, engines and devices', async () => {
  const { status, stdout, stderr } = await runCli(['info', '--json']);
  expect([status, stderr]).toEqual([0, '']);
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({ dpar: version, node: process.versions.node, cores: expect.any(Number) });
  const [ort, tfjs] = found.engines;
  expect(ort).toMatchObject({ name: 'ort', available: true });
  expect(ort.devices.map(({ name }: { name: string }) => name)).toEqual(['cpu', 'webgpu', 'cuda']);
  expect(ort.devices[0]).toEqual({ name: 'cpu', available: true, hint: '' });
  expect(tfjs).toMatchObject({ name: 'tfjs', available: true, hint: '' });
  expect(tfjs.devices.map(({ name }: { name: string }) => name)).toEqual(['cpu', 'webgpu', 'cuda']);
  expect(tfjs.devices[0]).toEqual({ name: 'cpu', available: true, hint: '' });
  expect(tfjs.backends.map(({ name }: { name: string }) => name)).toEqual([
    'node-gpu',
    'node',
    'webgpu',
    'wasm',
    'cpu',
  ]);
  expect(tfjs.backends[3]).toMatchObject({ device: 'cpu', available: true, about: expect.stringContaining('SIMD') });
  const all = [...ort.devices, ...tfjs.devices, ...tfjs.backends];
  for (const { available, hint } of all) expect(hint === '').toBe(available);
  expect(found.packages['onnxruntime-node']).toMatch(/^1\./);
  expect(found.packages['@tensorflow/tfjs-core']).toMatch(/^4\./);
  const text = (await runCli(['info'])).stdout;
  expect(text).toContain('--device cpu');
  expect(text).toMatch(/backend wasm +works: @tensorflow\/tfjs-backend-wasm 4/);
});
