import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { readCheckpoint, writeCheckpoint, writeSafetensors } from '@dpar/io/node';
import { dparKind } from '@dpar/model';
import { initializeParameters } from '@dpar/nn';
import { batchPatchLengths, type PatchingOptions } from '@dpar/patchify';
import { type HostTensor, named } from '@dpar/tensor';
import * as onnxruntime from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { readTensors } from '../input-files.js';
import { runOnnx } from '../testing/onnx.js';
import { runCli } from '../testing/run-cli.js';

const plain = fixturePath('dpar-dynamic4d');
const input = fixturePath('dpar-dynamic4d/io.safetensors');

/** The checkpoint of a DPAR model with a boundary head of random weights. */
async function checkpointWithHead(): Promise<{ folder: string; checkpoint: string; patching: PatchingOptions }> {
  const folder = await temporaryFolder();
  const checkpoint = join(folder, 'dpar');
  const { config, parameters } = await readCheckpoint(plain);
  const head = { hidden_width: 8, neighbours: [1, 7, 8, 9], threshold: 0.01 };
  const withHead = { ...config, boundary_head: head };
  const drawn = initializeParameters(dparKind.specs(dparKind.readConfig(withHead)), 3);
  await writeCheckpoint(checkpoint, withHead, { ...drawn, ...parameters });
  const { patching } = config as { patching: { max_patch_length: number; row_length: number } };
  const options = { maxPatchLength: patching.max_patch_length, rowLength: patching.row_length, threshold: 0.01 };
  return { folder, checkpoint, patching: options };
}

async function succeed(...argv: string[]): Promise<string> {
  const { status, stdout, stderr } = await runCli([...argv, '--quiet', '--json']);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout;
}

/** A file with tokens and labels of the reference vectors, and no entropies. */
async function bareInput(folder: string): Promise<string> {
  const { tokens, labels } = await readTensors(input);
  const path = join(folder, 'tokens.safetensors');
  await writeSafetensors(path, { tokens, labels } as Record<string, HostTensor>);
  return path;
}

it('dpar forward takes the patches from the head where none are given', async () => {
  const { folder, checkpoint, patching } = await checkpointWithHead();
  const output = join(folder, 'out.safetensors');
  const argv = ['--checkpoint', checkpoint, '--output', output];
  await succeed('forward', ...argv, '--input', await bareInput(folder), '--gradients');
  const own = await readTensors(output);
  const entropies = named(own, 'boundary_entropies');
  const [images = 0] = entropies.shape;
  const expected = batchPatchLengths(entropies.data as Float32Array, images, patching);
  expect(Array.from(named(own, 'patch_lengths').data)).toEqual(Array.from(expected.data));
  expect(named(own, 'grad.boundary_head.output.weight').data.every((value) => value === 0)).toBe(true);

  const { patch_lengths } = await readTensors(input);
  await succeed('forward', ...argv, '--input', input);
  const given = await readTensors(output);
  expect(given.patch_lengths).toEqual(patch_lengths);
  expect(given.boundary_entropies).toEqual(entropies);
  await succeed('forward', '--checkpoint', plain, '--output', output, '--input', input);
  const without = await readTensors(output);
  expect(without.logits).toEqual(given.logits);
  expect(without).not.toHaveProperty('boundary_entropies');
});

it('dpar entropy and dpar calibrate take the entropies of the head', async () => {
  const { folder, checkpoint, patching } = await checkpointWithHead();
  const tokens = await bareInput(folder);
  const output = join(folder, 'out.safetensors');
  await succeed('forward', '--checkpoint', checkpoint, '--input', tokens, '--output', output);
  const expected = named(await readTensors(output), 'boundary_entropies');
  await succeed('entropy', '--checkpoint', checkpoint, '--input', tokens, '--output', output);
  const actual = named(await readTensors(output), 'entropies');
  actual.data.forEach((value, i) => {
    expect(value).toBeCloseTo(Number(expected.data[i]), 5);
  });

  const stdout = await succeed(
    ...['calibrate', '--checkpoint', checkpoint, '--input', tokens, '--target-mean-patch-length', '2'],
    ...['--max-patch-length', `${patching.maxPatchLength}`],
  );
  const { threshold, mean_patch_length: mean } = JSON.parse(stdout);
  const [images = 0] = actual.shape;
  const { data } = batchPatchLengths(actual.data as Float32Array, images, { ...patching, threshold });
  expect((images * 64) / data.filter((length) => length > 0).length).toBe(mean);
  expect(mean).toBeCloseTo(2, 1);
});

it('dpar entropy refuses models that compute none', async () => {
  const folder = await temporaryFolder();
  const run = async (checkpoint: string) => {
    const argv = ['entropy', '--checkpoint', checkpoint, '--input', await bareInput(folder)];
    return (await runCli([...argv, '--output', join(folder, 'out.safetensors')])).stderr;
  };
  expect(await run(plain)).toContain("expected a model with a boundary head, got one without 'boundary_head'");
  expect(await run(fixturePath('llamagen'))).toContain('expected a model of kind "dpar" or "entropy"');
});

it('dpar export and dpar import keep the head', async () => {
  const { folder, checkpoint } = await checkpointWithHead();
  const [file, back] = [join(folder, 'model.pt'), join(folder, 'back')];
  await succeed('export', '--checkpoint', checkpoint, '--format', 'pytorch', '--output', file);
  await succeed('import', '--input', file, '--output', back);
  expect(await readCheckpoint(back)).toEqual(await readCheckpoint(checkpoint));
  const trained = join(folder, 'run', 'last');
  await trainHead(folder, checkpoint);
  await succeed('export', '--checkpoint', trained, '--format', 'pytorch', '--output', file);
  await succeed('import', '--input', file, '--output', back);
  const optimizer = async (path: string) => readTensors(join(path, 'optimizer.safetensors'));
  expect(await optimizer(back)).toEqual(await optimizer(trained));

  const bare = join(folder, 'bare.safetensors');
  await writeSafetensors(bare, (await readCheckpoint(checkpoint)).parameters);
  const { stderr } = await runCli(['import', '--input', bare, '--output', join(folder, 'other')]);
  expect(stderr).toMatch(/expected .*boundary_head.* of this dpar model, which cannot be inferred from its shapes/);
});

it('dpar export writes an ONNX graph with the entropies of the head', async () => {
  const { folder, checkpoint } = await checkpointWithHead();
  const [file, output] = [join(folder, 'dpar.onnx'), join(folder, 'out.safetensors')];
  await succeed('export', '--checkpoint', checkpoint, '--format', 'onnx', '--output', file);
  await succeed('forward', '--checkpoint', checkpoint, '--input', input, '--output', output);
  const { tokens, labels, patch_lengths } = await readTensors(input);
  const inputs = { tokens, labels, patch_lengths } as Record<string, HostTensor>;
  const outputs = await runOnnx(onnxruntime, file, inputs);
  const expected = named(await readTensors(output), 'boundary_entropies');
  named(outputs, 'boundary_entropies').data.forEach((value, i) => {
    expect(value).toBeCloseTo(Number(expected.data[i]), 4);
  });
});

it('dpar train trains the head, and dpar report shows how it agrees', async () => {
  const { folder, checkpoint } = await checkpointWithHead();
  const stdout = await trainHead(folder, checkpoint);
  expect(JSON.parse(stdout)).toMatchObject({
    boundary_loss: expect.any(Number),
    validation_boundary_loss: expect.any(Number),
    validation_boundary_correlation: expect.any(Number),
    validation_boundary_agreement: expect.any(Number),
  });
  const page = await readFile(join(folder, 'run', 'report.html'), 'utf8');
  expect(page).toContain('agreement of the boundary head');
});

/** Trains the head of a checkpoint with `dpar train`, into `run`. @returns What `--json` prints. */
async function trainHead(folder: string, checkpoint: string): Promise<string> {
  const { kind: _, boundary_head, ...keys } = JSON.parse(await readFile(join(checkpoint, 'config.json'), 'utf8'));
  const { threshold: _threshold, ...head } = boundary_head;
  const config = {
    model: { ...pick(keys), kind: 'dpar', boundary_head: head },
    data: { tokens: input, validation: input },
    init_from: plain,
    train: 'boundary_head',
    steps: 3,
    batch_size: 2,
    output: join(folder, 'run'),
  };
  const path = join(folder, 'train.json');
  await writeFile(path, JSON.stringify(config));
  return succeed('train', '--config', path);
}

/** Keys of config.json that a training configuration has. */
function pick(config: Record<string, unknown>): Record<string, unknown> {
  const names = ['dim', 'n_layer', 'n_head', 'multiple_of', 'vocab_size', 'block_size', 'num_classes', 'rope_base'];
  const local = ['n_local_encoder_layers', 'n_local_decoder_layers', 'embedding_type', 'patching', 'predict_eoi_token'];
  return Object.fromEntries([...names, ...local].flatMap((name) => (name in config ? [[name, config[name]]] : [])));
}
