import { spawn, spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../bin/dpar.js', import.meta.url));

function dpar(...argv: string[]) {
  return spawnSync(process.execPath, [bin, ...argv], { encoding: 'utf8' });
}

describe('the built command', () => {
  it('prints one JSON document on stdout', () => {
    const { status, stdout, stderr } = dpar('flops', '--json');
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout).llamagen_gmacs).toBeCloseTo(24.98, 2);
  });

  it('computes', async () => {
    const folder = await temporaryFolder();
    const argv = ['--checkpoint', fixturePath('llamagen'), '--input', fixturePath('llamagen/io.safetensors')];
    const { status, stdout } = dpar('forward', ...argv, '--output', join(folder, 'out.safetensors'), '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout).loss).toBeCloseTo(5.685564, 4);
    expect(await readdir(folder)).toEqual(['out.safetensors']);
  });

  it('ends with 1 for failed work and 2 for wrong usage', () => {
    expect(dpar('patchify', '--input', '/no/such', '--output', '/no/such')).toMatchObject({ status: 1, stdout: '' });
    expect(dpar('patchify', '--inptu', 'x')).toMatchObject({ status: 2, stdout: '' });
    expect(dpar()).toMatchObject({ status: 2, stdout: '' });
    expect(dpar('--help').status).toBe(0);
  });

  it('ends quietly when nobody reads on', async () => {
    const child = spawn(process.execPath, [bin, 'train', '--help']);
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.destroy();
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0);
    expect(stderr).toBe('');
  });

  /** Samples 5000 images, some at a time, and presses Ctrl-C as soon as `when` holds. */
  async function interruptedSample(folder: string, batchSize: number, when: () => Promise<boolean>) {
    const model = ['--checkpoint', fixturePath('dpar-dynamic4d'), '--entropy-checkpoint', fixturePath('entropy-model')];
    const images = ['--classes', '0-4', '--count', '5000', '--batch-size', `${batchSize}`];
    const child = spawn(process.execPath, [
      bin,
      'sample',
      ...model,
      ...images,
      '--output',
      join(folder, 'out.safetensors'),
    ]);
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const exit = new Promise((resolve) => child.on('exit', resolve));
    // The first line says that it is generating.
    while (stderr === '' || !(await when())) await setTimeout(5);
    child.kill('SIGINT');
    return { status: await exit, stderr };
  }

  it.skipIf(process.platform === 'win32')('ends cleanly on Ctrl-C', async () => {
    const folder = await temporaryFolder();
    const { status, stderr } = await interruptedSample(folder, 64, async () => true);
    expect(status).toBe(130);
    expect(stderr).toContain('dpar sample: interrupted.\n');
    expect(await readdir(folder)).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('keeps finished batches on Ctrl-C, and says so', async () => {
    const folder = await temporaryFolder();
    const parts = async () => (await readdir(join(folder, 'out.safetensors.partial')).catch(() => [])).sort();
    const { status, stderr } = await interruptedSample(folder, 1, async () => (await parts()).length >= 3);
    expect(status).toBe(130);
    const [, kept] =
      /dpar sample: interrupted\. (\d+) of 5000 images are in '.*': run the same .*\n$/.exec(stderr) ?? [];
    const names = await parts();
    expect(names).toHaveLength(Number(kept) + 1);
    expect(names.slice(0, 2)).toEqual(['000000-000000.safetensors', '000001-000001.safetensors']);
    expect(await readdir(folder)).toEqual(['out.safetensors.partial']);
  });

  it.skipIf(process.platform === 'win32')('ends training after a step on SIGTERM, and then resumes', async () => {
    const folder = await temporaryFolder();
    const model = { kind: 'llamagen', dim: 32, n_head: 1, n_layer: 1, vocab_size: 48, block_size: 64, num_classes: 5 };
    const data = { tokens: fixturePath('dpar-dynamic4d/io.safetensors') };
    await writeFile(join(folder, 'config.json'), JSON.stringify({ model, data, steps: 1_000_000, batch_size: 2 }));
    const output = join(folder, 'run');
    const argv = ['train', '--config', join(folder, 'config.json'), '--output', output];
    const steps = async () => {
      const text = await readFile(join(output, 'metrics.jsonl'), 'utf8').catch(() => '');
      return Array.from(text.matchAll(/^.*\n/gm), ([line]) => JSON.parse(line).step);
    };
    let done = 0;
    for (const more of [[], ['--resume']]) {
      const child = spawn(process.execPath, [bin, ...argv, ...more]);
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      const exit = new Promise((resolve) => child.on('close', resolve));
      while ((await steps()).length < done + 3 && child.exitCode === null) await setTimeout(5);
      // Schedulers and npm may pass a signal on that the process got itself.
      child.kill('SIGTERM');
      await setTimeout(1);
      child.kill('SIGTERM');
      expect(await exit).toBe(130);
      const all = await steps();
      expect(all).toEqual(Array.from(all, (_, i) => i + 1));
      done = all.length;
      expect(stderr).toContain(`Step ${done} of 1000000 is in '`);
      expect(stderr).toContain('Run the same command with --resume to continue.\n');
    }
  });
});
