import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { formatSafetensors, int8Weights } from '@dpar/io';
import { readCheckpoint, readSafetensors, writeCheckpoint } from '@dpar/io/node';
import { expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';

it.each(['dpar-dynamic4d', 'llamagen', 'entropy-model'])('exports %s, and imports the same', async (name) => {
  const folder = await temporaryFolder();
  const [file, output] = [join(folder, 'model.pt'), join(folder, 'back')];
  const from = fixturePath(name);
  const exported = await runCli(['export', '--checkpoint', from, '--format', 'pytorch', '--output', file, '--json']);
  expect(exported.status).toBe(0);
  // What belongs to the fixture and not to a checkpoint is named.
  expect(exported.stderr).toContain('export: left out of the file: ');
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
  expect(stderr).toContain('import: assumed, because the file does not say: rope_base 10000 (usual)');
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

it('imports weights beside objects of other kinds, and samples from a model without a null class', async () => {
  const output = join(await temporaryFolder(), 'model');
  const input = fixturePath('torch-pt/foreign-objects.pt');
  const imported = await runCli(['import', '--input', input, '--output', output, '--set', 'num_classes=4', '--json']);
  expect(imported.stderr).toContain('the class table has 4 rows for 4 classes and so no null class');
  expect(JSON.parse(imported.stdout)).toMatchObject({
    tensors: 11,
    left_out: [],
    notes: [],
    config: { num_classes: 4, class_dropout_prob: 0 },
  });
  const to = join(output, 'samples.safetensors');
  const sample = ['sample', '--checkpoint', output, '--classes', '3', '--output', to, '--json'];
  for (const scale of [[], ['--guidance-scale', '4']]) {
    expect(await runCli([...sample, ...scale])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /--guidance-scale: expected 1 for '.*', which was trained without a null class .* got [24]\. Pass --guidance-scale 1\./,
      ),
    });
  }
  expect(await runCli([...sample, '--classes', '4', '--guidance-scale', '1'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('--classes: expected classes from 0 to 3, got 4.'),
  });
  expect(existsSync(to)).toBe(false);
  expect(await runCli([...sample, '--guidance-scale', '1'])).toMatchObject({ status: 0 });
  const { tensors } = await readSafetensors(to);
  expect(tensors.get('tokens')?.shape).toEqual([1, 16]);
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

it('reads weights whose index says a wrong size, with a note', async () => {
  const folder = await temporaryFolder();
  const [parts, output] = [join(folder, 'parts'), join(folder, 'out')];
  const from = [
    'export',
    '--checkpoint',
    fixturePath('llamagen'),
    '--format',
    'safetensors',
    '--max-shard-size',
    '200KB',
  ];
  expect(await runCli([...from, '--output', parts])).toMatchObject({ status: 0 });
  const index = join(parts, 'model.safetensors.index.json');
  const json = JSON.parse(await readFile(index, 'utf8'));
  await writeFile(index, JSON.stringify({ ...json, metadata: { total_size: '4 MB' } }));
  const note = `'metadata.total_size' of '${index}' is "4 MB", but the tensors take ${json.metadata.total_size} bytes`;
  const io = fixturePath('llamagen/io.safetensors');
  for (const [i, argv] of [
    ['import', '--input', index, '--set', 'block_size=64', 'n_head=2'],
    ['import', '--input', parts],
    ['forward', '--checkpoint', parts, '--input', io],
    ['export', '--checkpoint', parts, '--format', 'pytorch'],
    ['export', '--checkpoint', parts, '--format', 'safetensors'],
  ].entries()) {
    const { status, stderr } = await runCli([...argv, '--output', `${output}-${i}.safetensors`]);
    expect([status, stderr]).toEqual([0, expect.stringContaining(`${argv[0]}: ${note}`)]);
  }
});

it.each(['pytorch', 'safetensors'])('exports weights of 8 bits as %s of float32, and imports them', async (format) => {
  const folder = await temporaryFolder();
  const from = fixturePath('llamagen');
  const rounded = join(folder, 'rounded');
  const { config, parameters } = await readCheckpoint(from);
  await writeCheckpoint(rounded, config, int8Weights(parameters));
  const expected = (await readCheckpoint(rounded)).parameters;
  const file = join(folder, format === 'pytorch' ? 'model.pt' : 'model.safetensors');
  const exported = await runCli(['export', '--checkpoint', rounded, '--format', format, '--output', file]);
  expect(exported.stderr).toMatch(/export: \d+ matrices of 8-bit whole numbers with scales are read as float32/);
  expect(exported.status).toBe(0);
  for (const input of [file, rounded]) {
    const output = join(folder, `back-${input === file}`);
    const settings = ['--config', join(from, 'config.json')];
    const imported = await runCli(['import', '--input', input, ...settings, '--output', output]);
    expect(imported).toMatchObject({ status: 0 });
    expect((await readCheckpoint(output)).parameters).toEqual(expected);
  }
});

it('keeps the names of classes, or imports given ones', async () => {
  const folder = await temporaryFolder();
  const { config, parameters } = await readCheckpoint(fixturePath('llamagen'));
  const [from, file, to, list] = ['from', 'model.pt', 'to', 'list.txt'].map((name) => join(folder, name)) as [
    ...[string, string, string, string],
  ];
  await writeCheckpoint(from, config, parameters);
  const names = ['cat', 'dog', 'a, b', '10-20', 'e'];
  await writeFile(join(from, 'classes.json'), JSON.stringify(names));
  const exported = await runCli(['export', '--checkpoint', from, '--format', 'pytorch', '--output', file, '--json']);
  expect(JSON.parse(exported.stdout)).toMatchObject({ keys: ['model', 'config', 'classes'], left_out: [] });
  const load = (...more: string[]) => runCli(['import', '--input', file, '--output', to, '--json', ...more]);
  expect(JSON.parse((await load()).stdout)).toMatchObject({
    classes: names,
    files: ['classes.json', 'config.json', 'model.safetensors'],
  });
  await writeFile(list, 'one\ntwo\nthree\nfour\nfive\n');
  const given = ['one', 'two', 'three', 'four', 'five'];
  expect(JSON.parse((await load('--classes-file', list)).stdout).classes).toEqual(given);
  expect(JSON.parse(await readFile(join(to, 'classes.json'), 'utf8'))).toEqual(given);
  await writeFile(list, [...given, 'six'].join('\n'));
  expect((await load('--classes-file', list)).stderr).toContain(
    'expected at most 5 names for the 5 classes of the model, got 6',
  );
});
