import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { relativeDifference } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readSafetensors } from '@dpar/io/node';
import { createReferenceEngine, named } from '@dpar/tensor';
import { readTrainConfig } from '@dpar/train';
import { train, writeTokenSet } from '@dpar/train/node';
import { describe, expect, it } from 'vitest';
import { tinyModels, tinySet } from './testing/tiny.js';
import { python, runPython } from './testing/torch.js';

const files = ['model.safetensors', 'optimizer.safetensors', 'average.safetensors'];

/** Compares the metrics of all steps, without padding, which depends on the number of processes, and the last checkpoints of two runs. */
async function expectSameRuns(actual: string, expected: string, tolerance: number): Promise<void> {
  const [got, wanted] = await Promise.all([actual, expected].map(metricsOf));
  expect(got?.map(({ step }) => step)).toEqual(wanted?.map(({ step }) => step));
  for (const [i, line] of (wanted ?? []).entries()) {
    for (const key of ['loss', 'gradient_norm', 'learning_rate', 'mean_patch_length', 'epoch', 'validation_loss']) {
      if (key in line)
        expect(Math.abs((got?.[i]?.[key] ?? Number.NaN) - (line[key] as number)), key).toBeLessThan(tolerance);
    }
  }
  for (const file of files) {
    const read = async (run: string) => toHostTensors((await readSafetensors(join(run, 'last', file))).tensors);
    const [tensors, others] = [await read(actual), await read(expected)];
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(others).sort());
    for (const [name, tensor] of Object.entries(others)) {
      // Moments of a small gradient cancel to their last digits.
      expect(relativeDifference(named(tensors, name), tensor), name).toBeLessThan(10 * tolerance);
    }
  }
}

async function metricsOf(run: string): Promise<Record<string, number>[]> {
  const text = await readFile(join(run, 'metrics.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** A folder with data, and a configuration whose runs go there. */
async function prepare(kind: keyof typeof tinyModels, changes: object = {}) {
  const folder = await temporaryFolder();
  const tokens = join(folder, 'tokens.safetensors');
  await writeTokenSet(tokens, tinySet(11));
  await writeFile(join(folder, 'classes.json'), '["a", "b", "c"]');
  const path = join(folder, 'train.json');
  const settings = {
    model: tinyModels[kind],
    data: { tokens, validation: tokens, class_dropout: 0.3, window_batches: 3 },
    optimizer: { learning_rate: 0.01, average_decay: 0.9 },
    steps: 10,
    batch_size: 4,
    accumulation_steps: 2,
    token_noise: 0.2,
    seed: 5,
    ...changes,
  };
  await writeFile(path, JSON.stringify({ ...settings, output: join(folder, 'run') }));
  const inTypeScript = async (output: string, steps = 10, resume = false) => {
    const config = readTrainConfig({ ...settings, steps, output: join(folder, output) });
    for await (const _ of train(createReferenceEngine(), config, { resume }));
  };
  const inPyTorch = (output: string, options: readonly string[] = [], launcher: readonly string[] = []) =>
    runPython(...launcher, 'train.py', '--config', path, '--output', join(folder, output), ...options);
  return { at: (name: string) => join(folder, name), inTypeScript, inPyTorch };
}

const onTwo = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2'];

describe.skipIf(python === undefined)('training in PyTorch', { timeout: 240_000 }, () => {
  const cosine = { optimizer: { learning_rate: 0.01, average_decay: 0.9, schedule: 'cosine', warmup_steps: 3 } };

  it.each(['dpar', 'llamagen', 'entropy'] as const)('%s: ten steps are those of dpar train', async (kind) => {
    const { at, inTypeScript, inPyTorch } = await prepare(kind, { ...cosine, validate_every: 4 });
    await inTypeScript('typescript');
    await inPyTorch('pytorch');
    await expectSameRuns(at('pytorch'), at('typescript'), 1e-4);
  });

  it('gives the same run on two processes, with copied and with split weights', async () => {
    const { at, inPyTorch } = await prepare('dpar', { accumulation_steps: 1 });
    await inPyTorch('one');
    await inPyTorch('copied', [], onTwo);
    await inPyTorch('split', ['--fsdp'], onTwo);
    await expectSameRuns(at('copied'), at('one'), 1e-4);
    await expectSameRuns(at('split'), at('one'), 1e-4);
  });

  it('resumes a run of dpar train, which then resumes it', async () => {
    const { at, inTypeScript, inPyTorch } = await prepare('dpar');
    await inTypeScript('whole', 10);
    await inTypeScript('moved', 3);
    await inPyTorch('moved', ['--resume', '--set', 'steps=7']);
    await inTypeScript('moved', 10, true);
    expect((await metricsOf(at('moved'))).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await expectSameRuns(at('moved'), at('whole'), 1e-4);
  });

  it('refuses to resume with other settings or a damaged checkpoint', async () => {
    const { at, inTypeScript, inPyTorch } = await prepare('entropy');
    await inTypeScript('run', 2);
    await expect(inPyTorch('run', ['--set', 'steps=4'])).rejects.toThrow(/Pass --resume to resume that run/);
    const changed = inPyTorch('run', ['--resume', '--set', 'steps=4', 'optimizer.weight_decay=0']);
    await expect(changed).rejects.toThrow(
      /expected the settings and data that the run was started with, got 'optimizer'/,
    );
    await expect(inPyTorch('new', ['--set', 'optimizer.rate=1'])).rejects.toThrow(/got 'rate' in 'optimizer'/);
    for (const folder of ['run/checkpoints/step-000002', 'run/last', 'run/best']) {
      await cp(at('tokens.safetensors'), at(`${folder}/model.safetensors`));
    }
    await expect(inPyTorch('run', ['--resume'])).rejects.toThrow(
      /expected an intact checkpoint in .*, got only damaged ones/,
    );
  });
});
