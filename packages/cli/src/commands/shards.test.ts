import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { modelKinds } from '@dpar/checkpoint';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import type { StoredTensor } from '@dpar/io';
import { openCheckpoint, readSafetensors, writeSafetensors } from '@dpar/io/node';
import { kindOfConfig } from '@dpar/nn';
import { describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';

/** Names and contents of a folder's files. */
function contentOf(folder: string): Map<string, string> {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('base64')]));
}

/** A fixture's weights as training code writes them: in one file, and in several, in the order of the model. */
async function published(name: string, size: number): Promise<{ one: string; several: string; config: string }> {
  const folder = await temporaryFolder();
  const { config, parameters } = await openCheckpoint(fixturePath(name));
  await parameters.close();
  const { tensors } = await readSafetensors(fixturePath(`${name}/model.safetensors`));
  const kind = kindOfConfig('test', modelKinds, config);
  const ordered = new Map(
    Object.keys(kind.specs(kind.readConfig(config))).map((key) => [key, tensors.get(key) as StoredTensor]),
  );
  const metadata = { format: 'pt' };
  const [one, several] = [join(folder, 'one', 'model.safetensors'), join(folder, 'several', 'model.safetensors')];
  await writeSafetensors(one, ordered, { metadata });
  await writeSafetensors(several, ordered, { metadata, maximumShardBytes: size });
  return { one, several, config: fixturePath(`${name}/config.json`) };
}

async function dpar(...argv: string[]): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await runCli([...argv, '--json']);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
}

describe.each([
  ['dpar-dynamic4d', '100KB', 100e3],
  ['llamagen', '0.05MiB', Math.floor(0.05 * 2 ** 20)],
  ['entropy-model', '65536', 65536],
  ['vq', '200kb', 200e3],
] as const)('%s', (name, size, bytes) => {
  it('comes back as it was, in one file and in several', async () => {
    const { one, several, config } = await published(name, bytes);
    const folder = await temporaryFolder();
    const import_ = (input: string, output: string, ...more: string[]): Promise<Record<string, unknown>> =>
      dpar('import', '--input', input, '--config', config, '--output', join(folder, output), ...more);
    const export_ = (from: string, to: string, ...more: string[]): Promise<Record<string, unknown>> =>
      dpar('export', '--checkpoint', join(folder, from), '--format', 'safetensors', '--output', to, ...more);

    expect((await import_(one, 'of-one')).files).toEqual(['config.json', 'model.safetensors']);
    const back = join(folder, 'back.safetensors');
    expect((await export_('of-one', back)).files).toEqual(['back.safetensors']);
    expect(readFileSync(back).equals(readFileSync(one))).toBe(true);

    // By the index, and by the folder.
    await import_(`${several}.index.json`, 'of-index');
    await import_(join(several, '..'), 'of-folder');
    expect(contentOf(join(folder, 'of-index'))).toEqual(contentOf(join(folder, 'of-one')));
    expect(contentOf(join(folder, 'of-folder'))).toEqual(contentOf(join(folder, 'of-one')));

    // Into several again: beside one another, in a checkpoint that is exported, in one that is imported.
    const expected = contentOf(join(several, '..'));
    expect(expected.size).toBeGreaterThan(3);
    await export_('of-index', join(folder, 'parts', 'model.safetensors'), '--max-shard-size', size);
    expect(contentOf(join(folder, 'parts'))).toEqual(expected);
    await export_('of-index', join(folder, 'exported'), '--max-shard-size', size);
    const configText = contentOf(join(folder, 'of-one')).get('config.json') as string;
    expect(contentOf(join(folder, 'exported'))).toEqual(new Map([...expected, ['config.json', configText]]));
    await import_(one, 'imported', '--max-shard-size', size);
    expect(contentOf(join(folder, 'imported'))).toEqual(contentOf(join(folder, 'exported')));

    // Of several, into one, and by way of PyTorch's format.
    await export_('exported', join(folder, 'joined.safetensors'));
    expect(readFileSync(join(folder, 'joined.safetensors')).equals(readFileSync(one))).toBe(true);
    const file = join(folder, 'model.pt');
    await dpar('export', '--checkpoint', join(folder, 'exported'), '--format', 'pytorch', '--output', file);
    await dpar('import', '--input', file, '--output', join(folder, 'of-pytorch'));
    const { tensors } = await readSafetensors(join(folder, 'of-pytorch', 'model.safetensors'));
    await writeSafetensors(join(folder, 'again.safetensors'), tensors, { metadata: { format: 'pt' } });
    expect(readFileSync(join(folder, 'again.safetensors')).equals(readFileSync(one))).toBe(true);
  });
});

describe('a checkpoint in several files', () => {
  async function split(name: string): Promise<string> {
    const folder = join(await temporaryFolder(), 'split');
    await dpar(
      'export',
      '--checkpoint',
      fixturePath(name),
      '--format',
      'safetensors',
      '--output',
      folder,
      '--max-shard-size',
      '100KB',
    );
    return folder;
  }

  it.each(['dpar-dynamic4d', 'llamagen', 'entropy-model', 'vq'])('is passed over as one: %s', async (name) => {
    const folder = await split(name);
    const output = join(folder, '..', 'out.safetensors');
    const forward = (checkpoint: string): Promise<Record<string, unknown>> =>
      dpar('forward', '--checkpoint', checkpoint, '--input', fixturePath(`${name}/io.safetensors`), '--output', output);
    await forward(fixturePath(name));
    const expected = readFileSync(output);
    await forward(folder);
    expect(readFileSync(output).equals(expected)).toBe(true);
  });

  it('is sampled, exported to ONNX and named where a file is missing', async () => {
    const folder = await split('llamagen');
    const sampled = async (checkpoint: string): Promise<string> => {
      const output = join(await temporaryFolder(), 'tokens.safetensors');
      await dpar('sample', '--checkpoint', checkpoint, '--classes', '0,1', '--seed', '5', '--output', output);
      return readFileSync(output).toString('base64');
    };
    expect(await sampled(folder)).toBe(await sampled(fixturePath('llamagen')));
    const onnx = join(await temporaryFolder(), 'model.onnx');
    await dpar('export', '--checkpoint', folder, '--format', 'onnx', '--output', onnx);

    const copy = join(await temporaryFolder(), 'copy');
    await cp(folder, copy, { recursive: true });
    const missing = readdirSync(copy).find((file) => file.startsWith('model-00002')) as string;
    rmSync(join(copy, missing));
    for (const argv of [
      ['sample', '--checkpoint', copy, '--classes', '0', '--output', 'never.safetensors'],
      ['import', '--input', copy, '--output', join(copy, 'never')],
      ['export', '--checkpoint', copy, '--format', 'pytorch', '--output', join(copy, 'never.pt')],
    ]) {
      const { status, stderr } = await runCli(argv);
      expect(status).toBe(1);
      expect(stderr).toContain(`got no file named ${missing}`);
    }
    expect(readdirSync(copy).filter((file) => file.includes('never'))).toEqual([]);
  });

  it('is refused a size that is none', async () => {
    for (const size of ['0', '2 G', '-1', '1PB', 'GB', '0.1b', '1e400']) {
      const argv = ['import', '--input', 'x', '--output', 'y', '--max-shard-size', size];
      const { status, stderr } = await runCli(argv);
      expect([status, stderr]).toEqual([2, expect.stringContaining('a size from 1 byte up, such as 2GB or 500MB')]);
    }
  });
});
