import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createRandom } from '@dpar/tensor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runFiles } from './run-folder.js';
import { bundle } from './testing/bundle.js';
import { filesBelow, metricsOf, tinyRun } from './testing/tiny-run.js';

let folder = '';
let program = '';
const settings = { steps: 16, checkpoints: { every: 1, keep: 2 } };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-kill-'));
  program = await bundle(new URL('./testing/train-process.ts', import.meta.url), folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A run with a folder of its own. */
async function newRun(name: string): Promise<{ path: string; output: string }> {
  await mkdir(join(folder, name));
  const config = { ...(await tinyRun(folder, settings)), output: join(folder, name, 'run') };
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

/** What a writer leaves when it is killed: hidden names beside the target, in a run's folder and below. */
async function leftovers(output: string): Promise<string[]> {
  const names = await Promise.all(
    [output, join(output, runFiles.checkpoints)].map((path) => readdir(path).catch(() => [])),
  );
  return names.flat().filter((name) => /\.(partial|previous)-/.test(name));
}

it('ends with the same bytes after a SIGKILL at whatever moment', async () => {
  const kills = 20;
  const whole = await newRun('whole');
  const begin = performance.now();
  await start(whole.path).finish();
  const duration = performance.now() - begin;
  const expected = await filesBelow(whole.output);
  const expectedMetrics = await metricsOf(whole.output);
  expect(expectedMetrics).toHaveLength(settings.steps);
  const random = createRandom(20, 0);
  const moments = Array.from({ length: kills }, (_, i) => ((i + random.uniform()) / kills) * duration);
  console.log(duration, Object.keys(expected));
  const left: number[] = [];
  for (const [i, moment] of moments.entries()) {
    const run = await newRun(`kill-${i}`);
    const { child, end } = start(run.path);
    await setTimeout(moment);
    child.kill('SIGKILL');
    const { signal } = await end;
    const l = await leftovers(run.output);
    console.log(i, moment, signal, l);
    const t = performance.now();
    await start(run.path).finish();
    console.log(performance.now() - t);
    left.push(l.length);
    const { [runFiles.metrics]: a, [runFiles.config]: b, ...files } = await filesBelow(run.output);
    const { [runFiles.metrics]: c, [runFiles.config]: d, ...expectedFiles } = expected;
    expect(Object.keys(files)).toEqual(Object.keys(expectedFiles));
    expect(files).toEqual(expectedFiles);
    expect(await metricsOf(run.output)).toEqual(expectedMetrics);
  }
});
