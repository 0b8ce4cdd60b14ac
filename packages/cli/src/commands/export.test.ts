import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { formatSafetensors } from '@dpar/io';
import { readSafetensors } from '@dpar/io/node';
import { expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';

it.each(['dpar-dynamic4d', 'llamagen', 'entropy-model'])('exports %s, and imports the same', async (name) => {
  const folder = await temporaryFolder();
  const [file, output] = [join(folder, 'model.pt'), join(folder, 'back')];
  const from = fixturePath(name);
  const exported = await runCli(['export', '--checkpoint', from, '--format', 'pytorch', '--output', file, '--json']);
  expect(exported.status).toBe(0);
  // What belongs to the fixture and not to a checkpoint is named.
  expect(exported.stderr).toContain('export: not in the file: ');
  expect(JSON.parse(exported.stdout)).toMatchObject({
    format: 'pytorch',
    output: file,
    keys: ['model', 'config'],
    step: null,
  });
  const imported = await runCli(['import', '--input', file, '--output', output, '--json']);
  expect(imported.stderr).toBe('');
  expect(JSON.parse(imported.stdout)).toMatchObject({ files: ['config.json', 'model.safetensors'], assumed: [] });
  const weights = async (path: string) => {
    const { tensors } = await readSafetensors(join(path, 'model.safetensors'));
    return Buffer.from(formatSafetensors(tensors)).toString('base64');
  };
  expect(await weights(output)).toBe(await weights(from));
  const config = async (path: string) => JSON.parse(await readFile(join(path, 'config.json'), 'utf8'));
  expect(await config(output)).toEqual(await config(from));
});

it("imports LlamaGen's training checkpoint, which other commands read", async () => {
  const output = join(await temporaryFolder(), 'llamagen');
  const input = fixturePath('torch-pt/llamagen-training-checkpoint.pt');
  const argv = ['import', '--input', input, '--output', output];
  expect(await runCli(argv)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(
      'dpar import: importCheckpoint: expected block_size, n_head of this llamagen model',
    ),
  });
  const { status, stdout, stderr } = await runCli([...argv, '--set', 'block_size=64', 'n_head=2']);
  expect(stderr).toContain('import: not told by the file: rope_base 10000 (usual)');
  expect(stdout).toContain('llamagen, 18 tensors');
  expect(status).toBe(0);
  const io = fixturePath('llamagen/io.safetensors');
  const forward = [
    'forward',
    '--checkpoint',
    output,
    '--input',
    io,
    '--output',
    join(output, 'out.safetensors'),
    '--json',
  ];
  expect(JSON.parse((await runCli(forward)).stdout).loss).toBeCloseTo(5.685564041137695, 5);
});

it('says what it cannot do', async () => {
  const output = join(await temporaryFolder(), 'x');
  const decode = ['--decode', '--max-shard-size', '1MB'];
  for (const [i, format] of (['safetensors', 'pytorch'] as const).entries()) {
    const argv = ['export', '--checkpoint', fixturePath('vq'), '--format', format, '--output', output];
    expect(await runCli([...argv, ...decode.slice(i, i + 2)])).toMatchObject({ status: 2 });
  }
  const other = await runCli(['import', '--input', fixturePath('patchify.json'), '--output', output]);
  expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining('expected a file of torch.save') });
  expect(existsSync(output)).toBe(false);
});
