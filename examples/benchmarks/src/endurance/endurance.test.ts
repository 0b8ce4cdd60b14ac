import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { countAllocations } from '@dpar/fixtures/allocated';
import { createRandom, DparError } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { readCase } from './fuzz/case.js';
import { contentsOf, differencesOf } from './kills/contents.js';
import { startNode } from './kills/dpar.js';
import { killOften } from './kills/killing.js';
import { judgeGrowth, samplesOfSoak } from './memory/growth.js';
import { soak } from './memory/soak.js';
import { type EnduranceReport, enduranceMarkdown, holds } from './report.js';

const MiB = 2 ** 20;

/** Samples of a million tokens with noise, and a leak. */
function series(leak: { rss?: number; heap?: number }, amount = 1e6) {
  const random = createRandom(3, 0);
  return Array.from({ length: samplesOfSoak }, (_, i) => {
    const done = amount * (0.1 + (0.9 * i) / (samplesOfSoak - 1));
    const noise = (MB: number) => random.uniform() * MB * MiB;
    return {
      done,
      rss: 150 * MiB + noise(12) + done * (leak.rss ?? 0),
      heap: 20 * MiB + noise(1) + done * (leak.heap ?? 0),
    };
  });
}

describe('growth', () => {
  it('is noise, or a leak of 100 bytes a token or 10 kB a step', () => {
    expect(judgeGrowth(series({})).holds).toBe(true);
    expect(judgeGrowth(series({ rss: 100 })).holds).toBe(false);
    expect(judgeGrowth(series({ rss: 10_000 }, 10_000)).holds).toBe(false);
    expect(judgeGrowth(series({ heap: 10 })).holds).toBe(false);
    expect(judgeGrowth(series({ rss: -100 })).holds).toBe(true);
    const { smallestLeak } = judgeGrowth(series({}));
    expect(smallestLeak.rss).toBeGreaterThan(50);
    expect(smallestLeak.rss).toBeLessThan(70);
  });

  it('is not judged by few samples', () => {
    expect(() => judgeGrowth(series({}).slice(0, 14))).toThrow('expected 15 samples or more, got 14');
  });

  it('of a leaky function is found', async () => {
    const kept: Uint8Array[] = [];
    const work = (next: () => void) => ({
      next: async () => {
        next();
        return 1;
      },
      end: async () => {},
    });
    const verdictOf = async (next: () => void) => judgeGrowth(await soak(work(next), 60));
    expect((await verdictOf(() => {})).holds).toBe(true);
    const { holds, growth } = await verdictOf(() => void kept.push(new Uint8Array(MiB / 2)));
    expect([holds, kept.length]).toEqual([false, 60]);
    expect(growth.heap).toBeGreaterThan(20 * MiB);
  });
});

describe('kills', () => {
  const program = (finish: string) => `
    const { existsSync, renameSync, writeFileSync, rmSync, readdirSync } = require('node:fs');
    const wait = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    ${finish}`;
  const clean = program(`
    for (const name of readdirSync('.')) if (name.startsWith('.')) rmSync(name);
    writeFileSync('.out', 'half'); wait(100); writeFileSync('.out', 'whole'); renameSync('.out', 'out');`);
  const resumesHalf = program(`
    if (!existsSync('out')) { writeFileSync('out', 'half'); wait(200); writeFileSync('out', 'whole'); }`);
  const leaves = program(`
    const name = '.' + process.pid; writeFileSync(name, 'x'); wait(100); renameSync(name, 'out'); writeFileSync('out', 'whole');`);

  const faultsOf = async (source: string) => {
    const place = join(await temporaryFolder(), 'place');
    const start = () => startNode(['-e', `process.chdir(${JSON.stringify(place)});${source}`]);
    const { faults, kills, completed } = await killOften({ name: 'program', start, place }, 6, createRandom(1, 0));
    expect(kills.startUp + kills.working + kills.writing).toBe(6);
    expect(completed).toBeGreaterThan(0);
    return faults.join('\n');
  };

  it('find a program that takes half a file for a whole one, or leaves one', { timeout: 240_000 }, async () => {
    expect(await faultsOf(clean)).toBe('');
    expect(await faultsOf(resumesHalf)).toContain("program: 'out' differs after kills");
    expect(await faultsOf(leaves)).toMatch(/program: '\.\d+' is left after kills/);
  });

  it('compare files without times', async () => {
    const [one, two] = [await temporaryFolder(), await temporaryFolder()];
    const write = async (folder: string, seconds: number, loss: number) => {
      await mkdir(join(folder, 'run'));
      await writeFile(join(folder, 'run', 'metrics.jsonl'), `${JSON.stringify({ step: 1, loss, seconds })}\n`);
    };
    await write(one, 1, 0.5);
    await write(two, 2, 0.5);
    const timed = /\.jsonl$/;
    expect(differencesOf(contentsOf(one), contentsOf(two))).toEqual([`'${join('run', 'metrics.jsonl')}' differs`]);
    expect(differencesOf(contentsOf(one, timed), contentsOf(two, timed))).toEqual([]);
    await writeFile(join(two, 'run', 'more'), '');
    expect(differencesOf(contentsOf(one, timed), contentsOf(two, timed))).toEqual([`'${join('run', 'more')}' is new`]);
  });
});

describe('a damaged file', () => {
  it('is read or refused by name; anything else is a fault', async () => {
    const path = join(await temporaryFolder(), 'file.npy');
    const outcome = async (read: () => unknown, takesBytes = false) =>
      readCase({ read: async () => read(), takesBytes }, path, Uint8Array.of(1));
    const refuse = (message: string) => () => {
      throw new DparError(message);
    };
    expect(await outcome(() => 1)).toEqual({ what: 'read' });
    expect(await outcome(refuse(`expected a file at '${path}', got none.`))).toEqual({ what: 'refused' });
    expect(await outcome(refuse('expected a file, got none.'), true)).toEqual({ what: 'refused' });
    expect(await outcome(refuse('expected a file, got none.'))).toMatchObject({ what: 'fault' });
    const typeError = await outcome(() => (undefined as unknown as { x: number }).x);
    expect(typeError).toMatchObject({ what: 'fault', kind: expect.stringMatching(/^TypeError .*endurance\.test/) });
    // The peak of the process may be higher already, so arrays are counted.
    countAllocations();
    const large = await outcome(() => new Uint8Array(300 * MiB));
    expect(large).toMatchObject({ what: 'fault', kind: 'memory' });
  });
});

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const bench = (...argv: string[]) => spawnSync(process.execPath, [main, '--endurance', ...argv], { encoding: 'utf8' });

it('runs, reports, and refuses what it does not know', { timeout: 240_000 }, async () => {
  const output = await temporaryFolder();
  const { status, stdout, stderr } = bench(
    '--only',
    'memory',
    '--tokens',
    '1024',
    '--steps',
    '100',
    '--output',
    output,
  );
  expect(status, stderr).toBe(0);
  expect(await readFile(join(output, 'endurance.md'), 'utf8')).toBe(stdout);
  expect(stdout).toMatch(/\| training of a DPAR \| 100 steps \|/);
  expect(bench('--only', 'nothing')).toMatchObject({ status: 2, stdout: '' });
});

it('reports faults', () => {
  const machine = { cpu: 'A processor', cores: 2, busyBefore: 0.5, node: '20', onnxruntime: '1' };
  const part = { name: 'fuzz', title: 'Damaged files', seconds: 60, about: 'Files.', data: [] };
  const rows = [{ reader: 'npy', faults: '1' }];
  const report = (faults: string[]) =>
    ({
      machine,
      date: '2026-01-02',
      command: 'c',
      seed: 1,
      parts: [{ ...part, rows, faults }],
    }) as unknown as EnduranceReport;
  expect([holds(report([])), holds(report(['npy, case 3']))]).toEqual([true, false]);
  expect(enduranceMarkdown(report([]))).toContain('Everything held.');
  expect(enduranceMarkdown(report(['npy, case 3']))).toMatch(
    /Not everything held\.[\s\S]*\| npy \| 1 \|\n\n- npy, case 3/,
  );
});
