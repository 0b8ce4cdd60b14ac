import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceEngine } from '@dpar/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeTokenSet } from '../disk/token-file.js';
import { tinySet } from '../testing/tiny.js';
import { filesBelow, metricsOf, tinyRun } from '../testing/tiny-run.js';
import { writeTrainerCheckpoint } from './checkpoint.js';
import { createTrainer } from './create-trainer.js';
import { stepFolder } from './run-folder.js';
import { type TrainOptions, train } from './train.js';
import type { TrainConfig } from './train-config.js';
import { readTrainerState } from './trainer-state.js';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-resume-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Trains until the end, or a step. @returns The notes. */
async function trainTo(config: TrainConfig, until = Number.POSITIVE_INFINITY, options: TrainOptions = {}) {
  const notes: string[] = [];
  const steps = train(createReferenceEngine(), config, { ...options, onNote: (text) => notes.push(text) });
  for await (const { step } of steps) if (step === until) break;
  return notes;
}

const resumed = (config: TrainConfig) => trainTo(config, Number.POSITIVE_INFINITY, { resume: true });

/** All files of a run but its lines of metrics, which hold times. */
async function filesOf({ output }: TrainConfig): Promise<Record<string, string>> {
  const { 'metrics.jsonl': _metrics, 'train.json': _config, ...files } = await filesBelow(output);
  return files;
}

describe('a run', () => {
  it('keeps the newest checkpoints and the best, which share their files with last and best', async () => {
    const config = await tinyRun(folder, { validate_every: 1, checkpoints: { every: 2, keep: 2 }, steps: 7 });
    const seconds: number[] = [];
    const written: number[] = [];
    await trainTo(config, 7, {
      onCheckpoint: (checkpoint) => {
        written.push(checkpoint.step);
        seconds.push(checkpoint.seconds);
      },
    });
    const { output } = config;
    const losses = (await metricsOf(output)).map((line) => (line as { validation_loss: number }).validation_loss);
    const best = losses.indexOf(Math.min(...losses)) + 1;
    const lower = (loss: number, i: number): boolean => losses.slice(0, i).every((other) => loss < other);
    const due = losses.flatMap((loss, i) => ((i + 1) % 2 === 0 || i + 1 === 7 || lower(loss, i) ? [i + 1] : []));
    expect(written).toEqual(due);
    expect(seconds.every((value) => value > 0)).toBe(true);
    expect(await readdir(join(output, 'checkpoints'))).toEqual(due.slice(-2).map((step) => `step-00000${step}`));
    expect(await readTrainerState(join(output, 'last'))).toMatchObject({ step: 7, validation_loss: losses[6] });
    expect(await readTrainerState(join(output, 'best'))).toMatchObject({
      step: best,
      validation_loss: losses[best - 1],
    });
    const inode = async (path: string) => (await stat(join(path, 'model.safetensors'))).ino;
    expect(await inode(join(output, 'last'))).toBe(await inode(stepFolder(output, 7)));
    const { config: recorded } = await readTrainerState(join(output, 'last'));
    const { output: _output, ...expected } = config;
    expect(recorded).toEqual(expected);
  });

  it('writes no best one where that is not wanted, and one checkpoint at the end by default', async () => {
    const config = await tinyRun(folder, { validate_every: 1, checkpoints: { best: false }, steps: 3 });
    await trainTo(config);
    expect((await readdir(config.output)).sort()).toEqual(['checkpoints', 'last', 'metrics.jsonl', 'train.json']);
    expect(await readdir(join(config.output, 'checkpoints'))).toEqual(['step-000003']);
  });

  it('is not overwritten', async () => {
    const config = await tinyRun(folder);
    await trainTo(config, 2);
    const before = await filesBelow(config.output);
    await expect(trainTo(config)).rejects.toThrow(/got train.json, .* in '.*run'. Pass --resume to resume that run/);
    expect(await filesBelow(config.output)).toEqual(before);
  });
});

describe('resuming', () => {
  it('starts from the beginning where there is nothing, and says so', async () => {
    const config = await tinyRun(folder);
    expect(await resumed(config)).toEqual([`nothing to resume in '${config.output}': starts from the beginning`]);
    expect(await metricsOf(config.output)).toHaveLength(6);
  });

  it('removes what was half written, also of what others keep beside the run', async () => {
    const config = await tinyRun(folder);
    await trainTo(config, 2);
    await mkdir(join(config.output, 'samples'), { recursive: true });
    const names = ['.report.html', '.run.json', 'samples/.step-000001.png', '.metrics.jsonl', '.notes.txt'];
    for (const name of names) await writeFile(join(config.output, `${name}.partial-0123456789abcdef`), 'half');
    await resumed(config);
    const left = Object.keys(await filesBelow(config.output)).filter((name) => name.includes('.partial-'));
    expect(left).toEqual(['.notes.txt.partial-0123456789abcdef']);
  });

  it('from any step ends with the same bytes and a line for each step', async () => {
    const config = await tinyRun(folder);
    await trainTo(config);
    const expected = await filesOf(config);
    const lines = await metricsOf(config.output);
    for (const step of [1, 3, 4, 6]) {
      const other = { ...config, output: join(folder, `to-${step}`) };
      await trainTo(other, step);
      // What a killed run leaves: a line of a step after the checkpoint, one twice, and half a line.
      const path = join(other.output, 'metrics.jsonl');
      const text = await readFile(path, 'utf8');
      await writeFile(path, `${text}${text}{"step":${step + 1},"loss":9}\n{"step":${step + 2},"lo`);
      expect(await resumed(other)).toEqual([`resumes from step ${step} in '${stepFolder(other.output, step)}'`]);
      expect(await filesOf(other)).toEqual(expected);
      expect(await metricsOf(other.output)).toEqual(lines);
    }
  });

  it('may change what the result does not depend on', async () => {
    const config = await tinyRun(folder, { steps: 4 });
    await trainTo({ ...config, steps: 7 });
    const expected = (await readTrainerState(join(config.output, 'last'))).files;
    const tokens = join(folder, 'moved.safetensors');
    await writeTokenSet(tokens, tinySet(7));
    const second = { ...config, output: join(folder, 'second') };
    await trainTo(second);
    const changes = { steps: 7, validate_every: 1, checkpoints: { every: 1, keep: 5, best: true } };
    await resumed({ ...second, ...changes, data: { ...config.data, tokens } });
    expect((await readTrainerState(join(second.output, 'last'))).files).toEqual(expected);
    expect(await readdir(join(second.output, 'checkpoints'))).toHaveLength(5);
  });

  it('refuses settings and data that would give another result, naming them', async () => {
    const config = await tinyRun(folder);
    await trainTo(config, 2);
    const before = await filesBelow(config.output);
    const { data, optimizer, model } = config;
    const other = join(folder, 'other.safetensors');
    await writeTokenSet(other, tinySet(7, 9));
    const wrong: [object, RegExp][] = [
      [{ seed: 4 }, /got 'seed' 4 in place of 0\. Resume with the original ones, or choose another output/],
      [{ batch_size: 3 }, /'batch_size' 3 in place of 2/],
      [{ steps: 5 }, /'steps' 5 in place of 6\..* Steps can be raised only/],
      [{ optimizer: { ...optimizer, learning_rate: 0.1 } }, /'optimizer.learning_rate' 0.1 in place of 0.01/],
      [{ optimizer: { ...optimizer, average_decay: null } }, /'optimizer.average_decay' null in place of 0.9/],
      [{ model: { ...model, dim: 32 } }, /'model.dim' 32 in place of 16/],
      [
        { data: { ...data, class_dropout: 0 }, seed: 1 },
        /'data.class_dropout' 0 in place of 0.1, 'seed' 1 in place of 0/,
      ],
      [
        { data: { ...data, tokens: other } },
        /'data.tokens' "sha256:[0-9a-f]{64}" in place of "sha256:.* have different contents/,
      ],
      [{ data: { ...data, validation: undefined } }, /'data.validation' none in place of "sha256:/],
      [{ data: { ...data, entropies: other } }, /'data.entropies' "sha256:[0-9a-f]{64}" in place of "sha256:/],
    ];
    for (const [changes, message] of wrong) {
      await expect(resumed({ ...config, ...changes } as TrainConfig), `${message}`).rejects.toThrow(message);
    }
    const cosine = {
      ...config,
      optimizer: { ...optimizer, schedule: 'cosine' as const },
      output: join(folder, 'cosine'),
    };
    await trainTo(cosine, 2);
    await expect(resumed({ ...cosine, steps: 9 })).rejects.toThrow("'steps' 9 in place of 6");
    expect(await filesBelow(config.output)).toEqual(before);
  });

  it('takes the newest whole checkpoint, warns of damaged ones and replaces them', async () => {
    const config = await tinyRun(folder, { validate_every: null });
    await trainTo(config);
    const expected = await filesOf(config);
    // The files of last/ are the same, so that both are cut.
    await truncate(join(stepFolder(config.output, 6), 'model.safetensors'), 100);
    const notes = await resumed(config);
    expect(notes[0]).toMatch(/^WARNING: .*step-000006\/model.safetensors', got 100 bytes. The checkpoint is damaged/);
    expect(notes.at(-1)).toBe(`resumes from step 4 in '${stepFolder(config.output, 4)}'`);
    expect(await filesOf(config)).toEqual(expected);
    // A file of its own that is missing is in last/ still.
    await rm(join(stepFolder(config.output, 6), 'optimizer.safetensors'));
    expect((await resumed(config)).at(-1)).toBe(`resumes from step 6 in '${join(config.output, 'last')}'`);
    expect(await filesOf(config)).toEqual(expected);
  });

  it('does not start over where all checkpoints are damaged', async () => {
    const config = await tinyRun(folder, { checkpoints: { every: 1, best: false } });
    await trainTo(config, 2);
    for (const step of [1, 2]) await truncate(join(stepFolder(config.output, step), 'trainer.json'), 10);
    const before = await filesBelow(config.output);
    await expect(resumed(config)).rejects.toThrow(/got only damaged ones\. .*step-000002.*step-000001.*Restore one/);
    expect(await filesBelow(config.output)).toEqual(before);
  });

  it('refuses a foreign checkpoint', async () => {
    const config = await tinyRun(folder);
    await trainTo(config, 2);
    const trainer = await createTrainer(createReferenceEngine(), { ...config, output: 'other' });
    for await (const _ of trainer.run());
    await writeTrainerCheckpoint(stepFolder(config.output, 6), trainer);
    await expect(resumed(config)).rejects.toThrow('expected a checkpoint with its training configuration');
  });

  it('does not begin a step when it is aborted at once, and then goes on', async () => {
    const config = await tinyRun(folder);
    const signal = AbortSignal.abort();
    await trainTo(config, 6, { signal });
    expect(await readdir(config.output)).toEqual([]);
    await resumed(config);
    expect(await metricsOf(config.output)).toHaveLength(6);
  });
});

describe('a step that fails', () => {
  it.each([
    // Parameters become so large that there is no loss; or infinite right away.
    [1e20, 2, /got NaN and NaN at step 3, with the batch of images \d, \d\./],
    [1e39, 0, /expected finite parameters after step 1, got NaN in/],
  ])('writes no checkpoint and leaves those before: learning rate %d', async (learning_rate, last, message) => {
    const changes = { optimizer: { learning_rate, weight_decay: 0 }, checkpoints: { every: 1 }, validate_every: null };
    const config = await tinyRun(folder, changes);
    const written: number[] = [];
    const run = trainTo(config, 6, { onCheckpoint: ({ step }) => written.push(step) });
    await expect(run).rejects.toThrow(message);
    expect(written).toEqual([1, 2].slice(0, last));
    expect(await readdir(join(config.output, 'checkpoints'))).toEqual(['step-000001', 'step-000002'].slice(0, last));
    if (last > 0) expect(await readTrainerState(join(config.output, 'last'))).toMatchObject({ step: last });
  });
});
