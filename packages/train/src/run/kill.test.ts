import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { bundle } from '@dpar/config/bundle';
import { saveModel } from '@dpar/model/node';
import { createRandom } from '@dpar/tensor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tinyHead, tinyModel } from '../testing/tiny.js';
import { filesBelow, metricsOf, tinyDparSettings, tinyRun } from '../testing/tiny-run.js';
import { tinyTokenizerRun } from '../testing/tiny-tokenizer.js';
import { runFiles } from './run-folder.js';

let folder = '';
let program = '';
const settings = {
  model: {
    kind: 'llamagen',
    dim: 8,
    n_layer: 1,
    n_head: 1,
    multiple_of: 8,
    vocab_size: 6,
    block_size: 16,
    num_classes: 3,
  },
  steps: 10,
  checkpoints: { every: 2, keep: 2 },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-kill-'));
  // The program of the threads that decode pictures lies beside the program, as in the built package.
  const threads = new URL('../../../images/src/threads/picture-worker.ts', import.meta.url);
  await rename(await bundle(threads, folder), join(folder, 'picture-worker.js'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  program = await bundle(new URL('../testing/train-process.ts', import.meta.url), folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A run with a folder of its own. */
async function newRun(name: string, changes: object = settings): Promise<{ path: string; output: string }> {
  await mkdir(join(folder, name));
  const base = 'discriminator' in changes ? changes : await tinyRun(folder, changes);
  const config = { ...base, output: join(folder, name, 'run') };
  const path = join(folder, name, 'config.json');
  await writeFile(path, JSON.stringify(config));
  return { path, output: config.output };
}

/** Starts a process that trains, or goes on. */
function start(path: string) {
  const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const end = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  const finish = async (): Promise<void> => {
    const { code } = await end;
    if (code !== 0) throw new Error(`expected the process to end with 0, got ${code}: ${stderr}`);
  };
  return { child, end, finish };
}

/** Partial files of a killed writer: hidden names in a run's folder and below. */
async function leftovers(output: string): Promise<string[]> {
  const names = await Promise.all(
    [output, join(output, runFiles.checkpoints)].map((path) => readdir(path).catch(() => [])),
  );
  return names.flat().filter((name) => /\.(partial|previous)-/.test(name));
}

/** Steps that a run has logged. */
async function stepsDone(output: string): Promise<number> {
  const text = await readFile(join(output, runFiles.metrics), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

/** Time of a kill: this long after the run has started and logged some steps, or at the next write after that. */
interface Moment {
  readonly step: number;
  readonly milliseconds: number;
  readonly inWrite: boolean;
}

/** Starts a run and kills it; once more, earlier, if it was done before. */
async function killedRun(name: string, moment: Moment, changes?: object): Promise<{ path: string; output: string }> {
  const run = await newRun(name, changes);
  const { child, end } = start(run.path);
  while (child.exitCode === null && (await stepsDone(run.output)) < moment.step) await setTimeout(1);
  await setTimeout(moment.milliseconds);
  while (child.exitCode === null && moment.inWrite && (await leftovers(run.output)).length === 0);
  child.kill('SIGKILL');
  if ((await end).signal === 'SIGKILL') return run;
  return killedRun(`${name}-again`, { ...moment, milliseconds: moment.milliseconds / 2 }, changes);
}

/** Number of kills. More of them take longer, and find what is rare. */
const kills = Number(process.env.DPAR_KILLS ?? 6);

it(`ends with the same bytes after a SIGKILL at any of ${kills} random moments`, {
  timeout: 40_000 * kills,
}, async () => {
  const [whole, same] = [await newRun('whole'), await newRun('same')];
  const begin = performance.now();
  const [first, second] = [start(whole.path), start(same.path)];
  while ((await stepsDone(whole.output)) === 0) await setTimeout(1);
  const startup = performance.now() - begin;
  await Promise.all([first.finish(), second.finish()]);
  const stepTime = (performance.now() - begin - startup) / settings.steps;
  const expected = await comparable(whole.output);
  expect(await comparable(same.output)).toEqual(expected);
  const expectedMetrics = await metricsOf(whole.output);
  expect(expectedMetrics).toHaveLength(settings.steps);

  const random = createRandom(20, 0);
  const moments = Array.from({ length: kills }, (_, i): Moment => {
    const isEarly = i % 4 === 0;
    const milliseconds = random.uniform() * (isEarly ? startup : stepTime);
    return { step: isEarly ? 0 : 1 + random.integer(settings.steps - 1), milliseconds, inWrite: i % 4 === 3 };
  });
  const counts = { beforeCheckpoints: 0, afterCheckpoints: 0, inWrites: 0 };
  const test = async (moment: Moment, i: number): Promise<void> => {
    const run = await killedRun(`kill-${i}`, moment);
    counts[existsSync(join(run.output, runFiles.last)) ? 'afterCheckpoints' : 'beforeCheckpoints']++;
    if ((await leftovers(run.output)).length > 0) counts.inWrites++;
    await start(run.path).finish();
    expect(await comparable(run.output)).toEqual(expected);
    expect(await metricsOf(run.output)).toEqual(expectedMetrics);
    expect(await leftovers(run.output)).toEqual([]);
  };
  // Some at a time: while one waits for the disk, another computes.
  const left = moments.entries();
  const worker = async (): Promise<void> => {
    for (const [i, moment] of left) await test(moment, i);
  };
  await Promise.all([worker(), worker(), worker()]);
  expect(counts.beforeCheckpoints).toBeGreaterThanOrEqual(1);
  expect(counts.afterCheckpoints).toBeGreaterThanOrEqual(kills / 4);
  expect(counts.inWrites).toBeGreaterThanOrEqual(kills / 8);
});

it('does so too when it trains a boundary head', { timeout: 300_000 }, async () => {
  await saveModel(join(folder, 'base'), tinyModel('dpar', {}, 7));
  const changes = {
    ...settings,
    model: { ...tinyDparSettings, boundary_head: tinyHead },
    init_from: join(folder, 'base'),
    train: 'boundary_head',
  };
  const whole = await newRun('whole-head', changes);
  await start(whole.path).finish();
  const expected = await comparable(whole.output);
  for (const step of [1, 4, 7]) {
    const moment = { step, milliseconds: 3 * step, inWrite: step === 4 };
    const run = await killedRun(`kill-head-${step}`, moment, changes);
    await start(run.path).finish();
    expect(await comparable(run.output)).toEqual(expected);
    expect(await metricsOf(run.output)).toEqual(await metricsOf(whole.output));
  }
});

it('does so too when it trains a tokenizer with a discriminator', { timeout: 300_000 }, async () => {
  const changes = await tinyTokenizerRun(folder);
  const whole = await newRun('whole-tokenizer', changes);
  await start(whole.path).finish();
  const expected = await comparable(whole.output);
  // Before and after the discriminator joins.
  for (const step of [2, 4]) {
    const run = await killedRun(`kill-tokenizer-${step}`, { step, milliseconds: step, inWrite: step === 4 }, changes);
    await start(run.path).finish();
    expect(await comparable(run.output)).toEqual(expected);
    expect(await metricsOf(run.output)).toEqual(await metricsOf(whole.output));
  }
});

/** All files of a run but those with times or the name of its folder in them. */
async function comparable(output: string): Promise<Record<string, string>> {
  const { [runFiles.metrics]: _metrics, [runFiles.config]: _config, ...files } = await filesBelow(output);
  return files;
}
