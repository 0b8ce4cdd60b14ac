import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine } from '@dpar/engine-ort';
import { float32 } from '@dpar/tensor';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { version, versionOf } from '../machine.js';
import { runCli } from '../testing/run-cli.js';

afterEach(() => void vi.unstubAllEnvs());

it('tells versions, engines and devices', async () => {
  vi.stubEnv('DPAR_TFJS_NODE', '');
  const { status, stdout, stderr } = await runCli(['info', '--json']);
  expect([status, stderr]).toEqual([0, '']);
  const found = JSON.parse(stdout);
  const { node } = process.versions;
  expect(found).toMatchObject({ dpar: version, runtime: `Node ${node}`, node, cores: expect.any(Number) });
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
  // The device is there if the engine computes on it.
  const engine = await createOrtEngine({ device: 'webgpu', threads: 1 });
  const computing = engine
    .compile((ops, { x }) => ({ y: ops.neg(x as NonNullable<typeof x>) }))
    .run({ x: float32([1]) });
  const error = await computing.then(
    () => undefined,
    ({ message }: Error) => message,
  );
  await engine.dispose();
  expect(ort.devices[1]).toMatchObject({ name: 'webgpu', available: error === undefined });
  if (error !== undefined) expect(ort.devices[1].reason).toContain(error.slice(-40).trim());
  expect(found.packages['onnxruntime-node']).toMatch(/^1\./);
  // Its package.json is not among what it exports.
  expect(found.packages['onnxruntime-web']).toMatch(/^1\./);
  expect(found.packages['@tensorflow/tfjs-core']).toMatch(/^4\./);
  const text = (await runCli(['info'])).stdout;
  expect(text).toContain('--device cpu');
  expect(text).toMatch(/backend wasm +works: @tensorflow\/tfjs-backend-wasm 4/);
  // What is installed and does not start is not called missing: here the package lacks its native part.
  expect(text).toMatch(/backend node-gpu +does not work: @tensorflow\/tfjs-node-gpu lacks 'google-protobuf'$/m);
  expect(text).toMatch(/backend node +missing: npm install @tensorflow\/tfjs-node$/m);
});

const bin = fileURLToPath(new URL('../../bin/dpar.js', import.meta.url));

// With those of them that are on the PATH.
it.for([
  ['Bun', 'bun', []],
  ['Deno', 'deno', ['run', '--allow-all']],
] as const)('knows %s, and finds engines there, from any folder', async ([name, path, settings], { skip }) => {
  const options = { cwd: await temporaryFolder(), encoding: 'utf8' } as const;
  const { error, stdout } = spawnSync(path, [...settings, bin, 'info', '--json'], options);
  skip(error !== undefined, `${name} is not installed`);
  const { runtime, engines } = JSON.parse(stdout);
  expect(runtime).toMatch(new RegExp(`^${name} \\d`));
  expect(engines.map(({ available }: { available: boolean }) => available)).toEqual([true, true]);
});

describe('versionOf', () => {
  it('finds packages that others may import and those that they may not', async () => {
    const folder = await temporaryFolder();
    const from = pathToFileURL(join(folder, 'index.js')).href;
    const manifests = { open: { version: '1.2.3' }, closed: { version: '4.5.6', exports: { '.': './index.js' } } };
    for (const [name, manifest] of Object.entries(manifests)) {
      await mkdir(join(folder, 'node_modules', name), { recursive: true });
      await writeFile(join(folder, 'node_modules', name, 'package.json'), JSON.stringify(manifest));
    }
    expect(['open', 'closed', 'none'].map((name) => versionOf(name, from))).toEqual(['1.2.3', '4.5.6', undefined]);
  });
});
