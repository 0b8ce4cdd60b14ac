import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { named } from '@dpar/tensor';
import { findMismatch } from '@dpar/tensor/conformance';
import { expect, it } from 'vitest';
import { readTensors } from '../input-files.js';
import { runCli } from '../testing/run-cli.js';
import { dpar } from '../testing/sampling.js';

// What the commands compute with TensorFlow.js is what they compute with ONNX Runtime.
const engines = ['ort', 'tfjs'] as const;

it('dpar forward with gradients', async () => {
  const folder = await temporaryFolder();
  const model = ['--checkpoint', fixturePath('dpar-dynamic4d')];
  const input = ['--input', fixturePath('dpar-dynamic4d/io.safetensors')];
  const [ort, tfjs] = await Promise.all(
    engines.map(async (engine) => {
      const output = join(folder, `${engine}.safetensors`);
      const argv = ['forward', ...model, ...input, '--gradients', '--output', output, '--engine', engine];
      const { status, stderr } = await runCli(argv);
      expect(status).toBe(0);
      if (engine === 'tfjs')
        expect(stderr).toMatch(/TensorFlow\.js: @tensorflow\/(\S+ \d.*; not node \(|tfjs-node of DPAR_TFJS_NODE)/);
      return readTensors(output);
    }),
  );
  expect(Object.keys(tfjs ?? {})).toContain('grad.tok_embeddings.weight');
  expect(findMismatch(tfjs ?? {}, ort ?? {}, { relative: 1e-3, absolute: 1e-5 })).toBeUndefined();
});

it('dpar entropy', async () => {
  const folder = await temporaryFolder();
  const input = fixturePath('entropy-model/io.safetensors');
  const output = join(folder, 'out.safetensors');
  const argv = ['entropy', '--checkpoint', fixturePath('entropy-model'), '--input', input, '--output', output];
  expect((await runCli([...argv, '--engine', 'tfjs', '--quiet'])).stderr).toBe('');
  const [expected, actual] = [await readTensors(input), await readTensors(output)];
  const entropies = named(expected, 'entropies');
  const tolerance = { relative: 1e-5, absolute: 1e-4 };
  expect(findMismatch({ entropies: named(actual, 'entropies') }, { entropies }, tolerance)).toBeUndefined();
});

it('dpar train, then the same losses', async () => {
  const folder = await temporaryFolder();
  const size = { dim: 32, n_head: 2, n_layer: 1, multiple_of: 16, vocab_size: 48, block_size: 64, num_classes: 5 };
  const path = join(folder, 'train.json');
  const data = { tokens: fixturePath('dpar-dynamic4d/io.safetensors') };
  await writeFile(
    path,
    JSON.stringify({ model: { kind: 'llamagen', ...size }, data, steps: 5, batch_size: 2, seed: 1 }),
  );
  const losses = await Promise.all(
    engines.map(async (engine) => {
      const output = join(folder, engine);
      const { status, stderr, stdout } = await runCli([
        'train',
        '--config',
        path,
        '--output',
        output,
        '--engine',
        engine,
        '--json',
      ]);
      expect(status, stderr).toBe(0);
      if (engine === 'tfjs') expect(JSON.parse(stdout).engine).toMatch(/tensorflow/i);
      const lines = (await readFile(join(output, 'metrics.jsonl'), 'utf8')).trim().split('\n');
      return lines.map((line) => JSON.parse(line).loss as number);
    }),
  );
  expect(losses[1]).toHaveLength(5);
  losses[1]?.forEach((loss, step) => {
    expect(Math.abs(loss / (losses[0]?.[step] ?? 0) - 1)).toBeLessThan(1e-4);
  });
});

it('dpar sample, token for token', async () => {
  const name = 'generate-greedy-cfg2';
  const settings = JSON.parse(await readFile(fixturePath(`${name}/config.json`), 'utf8'));
  const expected = await readTensors(fixturePath(`${name}/io.safetensors`));
  const output = join(await temporaryFolder(), 'out.safetensors');
  const guidance = ['--guidance-scale', `${settings.cfg_scale}`, '--greedy'];
  const patching = ['--threshold', `${settings.threshold}`, '--max-patch-length', `${settings.max_patch_length}`];
  const classes = [...named(expected, 'labels').data].join(',');
  const argv = ['sample', ...dpar, '--classes', classes, ...guidance, ...patching, '--output', output];
  const { status, stderr } = await runCli([...argv, '--engine', 'tfjs', '--quiet']);
  expect([status, stderr]).toEqual([0, '']);
  expect(await readTensors(output)).toEqual({ ...expected });
});
