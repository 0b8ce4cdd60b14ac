import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceEngine } from '@dpar/tensor';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type TrainOptions, train } from '../run/train.js';
import type { TrainConfig } from '../run/train-config.js';
import { readTrainerState } from '../run/trainer-state.js';
import { filesBelow, tinyRun } from '../testing/tiny-run.js';

// How many bytes may still be written to files: at 0 the disk is full.
const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs/promises')>();
  async function* limited(content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      const fits = chunk.subarray(0, Math.max(0, disk.room));
      disk.room -= chunk.length;
      yield fits; // a full disk takes what still fits
      if (fits.length < chunk.length) {
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
      }
    }
  }
  const writeFile = async (file: Parameters<typeof original.writeFile>[0], content: unknown): Promise<void> => {
    const whole = typeof content === 'string' || content instanceof Uint8Array;
    const pieces = whole ? [Buffer.from(content)] : (content as Iterable<Uint8Array>);
    await original.writeFile(file, limited(pieces));
  };
  return { ...original, writeFile };
});

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-disk-'));
});

afterEach(async () => {
  disk.room = Number.POSITIVE_INFINITY;
  await rm(folder, { recursive: true, force: true });
});

async function trainAll(config: TrainConfig, options: TrainOptions = {}): Promise<void> {
  for await (const _ of train(createReferenceEngine(), config, options));
}

/** True if a file system in memory can be mounted at a folder, which only root may do. */
function mount(path: string, options: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const settings = { checkpoints: { every: 1, best: false }, optimizer: { learning_rate: 0.01 } };

describe('a full disk', () => {
  it('ends the run wherever it comes, names the file, and leaves the checkpoint before; the run then goes on', async () => {
    const config = await tinyRun(folder, { ...settings, steps: 3 });
    const expected = { ...config, output: join(folder, 'expected') };
    disk.room = 1e9;
    await trainAll(expected);
    const total = 1e9 - disk.room;
    const files = await comparable(expected.output);
    for (const share of [0.4, 0.55, 0.7, 0.85, 0.999]) {
      const run = { ...config, output: join(folder, `full-${share}`) };
      disk.room = Math.floor(share * total);
      let newest = 0;
      const failure: NodeJS.ErrnoException = await trainAll(run, {
        onCheckpoint: ({ step }) => {
          newest = step;
        },
      }).then(
        () => expect.fail('expected a full disk'),
        (error) => error,
      );
      expect(failure).toMatchObject({ code: 'ENOSPC' });
      expect(failure.path).toContain(run.output);
      disk.room = Number.POSITIVE_INFINITY;
      expect(newest).toBeGreaterThanOrEqual(1);
      expect(await readTrainerState(join(run.output, 'last'))).toMatchObject({ step: newest });
      // Nothing half is left: what was begun is removed at once.
      const names = [...(await readdir(run.output)), ...(await readdir(join(run.output, 'checkpoints')))];
      expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
      await trainAll(run, { resume: true });
      expect(await comparable(run.output)).toEqual(files);
    }
  });

  it('does the same where it is real', async (context) => {
    const small = join(folder, 'small');
    await mkdir(small);
    if (!mount(small, 'size=2m')) return context.skip('needs the right to mount');
    try {
      const config = await tinyRun(folder, { ...settings, steps: 4, output: join(small, 'run') });
      const expected = { ...config, output: join(folder, 'expected') };
      await trainAll(expected);
      // Room for about two checkpoints.
      const { files } = await readTrainerState(join(expected.output, 'last'));
      const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
      await writeFile(join(small, 'filler'), Buffer.alloc(2 * 2 ** 20 - Math.ceil(2.6 * bytes)));
      await expect(trainAll(config)).rejects.toMatchObject({ code: 'ENOSPC' });
      const { step } = await readTrainerState(join(config.output, 'last'));
      expect(step).toBeGreaterThanOrEqual(1);
      expect(step).toBeLessThan(4);
      await rm(join(small, 'filler'));
      await trainAll(config, { resume: true });
      expect(await comparable(config.output)).toEqual(await comparable(expected.output));
    } finally {
      execFileSync('umount', [small]);
    }
  });
});

describe('a folder that cannot be written', () => {
  it('is noticed before the first step', async (context) => {
    const locked = join(folder, 'locked');
    await mkdir(locked);
    // Permissions do not bind root, a file system that is read-only does.
    const root = process.getuid?.() === 0;
    if (process.platform === 'win32' || (root && !mount(locked, 'ro'))) return context.skip('needs the right to mount');
    if (!root) await chmod(locked, 0o555);
    try {
      const config = await tinyRun(folder, { output: join(locked, 'run') });
      let started = false;
      const run = trainAll(config, {
        onStart: () => {
          started = true;
        },
      });
      await expect(run).rejects.toMatchObject({
        code: root ? 'EROFS' : 'EACCES',
        path: expect.stringContaining(config.output),
      });
      expect(started).toBe(false);
      expect(await readdir(locked)).toEqual([]);
    } finally {
      if (root) execFileSync('umount', [locked]);
      else await chmod(locked, 0o755);
    }
  });
});

/** All files of a run but those with times or the name of its folder in them. */
async function comparable(output: string): Promise<Record<string, string>> {
  const { 'metrics.jsonl': _metrics, 'train.json': _config, ...files } = await filesBelow(output);
  return files;
}
