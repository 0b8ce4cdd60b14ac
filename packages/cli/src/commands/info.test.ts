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
  for (const { available, hint } of [...ort.devices, tfjs]) expect(hint === '').toBe(available);
  expect(found.packages['onnxruntime-node']).toMatch(/^1\./);
  expect((await runCli(['info'])).stdout).toContain('--device cpu');
});
