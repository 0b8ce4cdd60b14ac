import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { describe, expect, it } from 'vitest';
import { Budget, runCheck, TimeUp } from './gpu-check/check.js';
import { execute } from './gpu-check/commands.js';
import type { Report } from './gpu-check/report.js';

const program = fileURLToPath(new URL('../dist/gpu-check.js', import.meta.url));
const gpuCheck = (...argv: string[]) =>
  spawnSync(process.execPath, [program, '--threads', '1', ...argv], { encoding: 'utf8' });

const readReport = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'gpu-check.json'), 'utf8')) as Report;

it('checks a device and writes the findings as JSON and as a page', { timeout: 400_000 }, async () => {
  const folder = await temporaryFolder();
  const { status, stdout, stderr } = gpuCheck('--device', 'cpu', '--small', '--output', folder);
  expect(stderr).toContain('gpu-check: conformance: passed, ');
  expect(stdout).toContain(join(folder, 'gpu-check.html'));
  const report = await readReport(folder);
  expect(report.checks.filter((check) => check.status !== 'passed')).toEqual([]);
  expect([status, report.passed]).toEqual([0, true]);
  expect(report.checks.map(({ name }) => name)).toEqual([
    'conformance',
    'fixtures/llamagen',
    'fixtures/dpar-dynamic4d',
    'training/dpar',
    'sampling/dpar',
    'bench/sample/emoji-dpar/batch-1',
  ]);
  const byName = new Map(report.checks.map((check) => [check.name, check]));
  expect(byName.get('conformance')?.about).toMatch(/^(\d+) of \1 cases agree with the reference$/);
  // Rounding differs from PyTorch's.
  const [outputs, gradients] = byName.get('fixtures/llamagen')?.deviations ?? [];
  expect(outputs?.value).toBeGreaterThan(0);
  expect(gradients?.value).toBeLessThan(gradients?.limit ?? 0);
  const losses = byName.get('training/dpar')?.losses;
  expect(losses?.device).toHaveLength(8);
  expect(losses?.device).toEqual(losses?.cpu);
  expect(byName.get('bench/sample/emoji-dpar/batch-1')?.figures?.tokensPerSecond).toBeGreaterThan(0);
  expect(report.device.versions['onnxruntime-node']).toMatch(/^1\./);
  const page = await readFile(join(folder, 'gpu-check.html'), 'utf8');
  for (const { name } of report.checks) expect(page).toContain(name.replace('bench/', ''));
  expect(page).not.toMatch(/<(script|link)|https?:\/\/(?!www\.w3\.org)/);
});

it('marks what is left when the time is up', { timeout: 180_000 }, async () => {
  const folder = await temporaryFolder();
  const { status } = gpuCheck('--device', 'cpu', '--small', '--minutes', '0', '--output', folder);
  const { checks, passed } = await readReport(folder);
  expect(checks).toHaveLength(6);
  expect(new Set(checks.map((check) => `${check.status}, ${check.about}`))).toEqual(
    new Set(['not run, the time was up']),
  );
  expect([status, passed]).toEqual([0, true]);
});

it('refuses what it does not know', () => {
  for (const argv of [['--device', 'tpu'], ['--minutes', 'soon'], ['--threads', '0'], ['--smal']]) {
    expect(gpuCheck(...argv)).toMatchObject({ status: 2, stdout: '' });
  }
});

it.skipIf(process.platform === 'win32')(
  'ends a program with its own processes when the time is up',
  { timeout: 40_000 },
  async () => {
    const file = join(await temporaryFolder(), 'program.mjs');
    const waiting = "spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'inherit' });";
    await writeFile(file, `import { spawn } from 'node:child_process'; ${waiting}`);
    await expect(execute(file, [], new Budget(1))).rejects.toThrow(TimeUp);
  },
);

describe('a check', () => {
  const deviation = { of: 'outputs', value: 2, limit: 1 };

  it.each([
    ['passed', async () => ({ about: '', deviations: [{ ...deviation, limit: 2 }] })],
    ['failed', async () => ({ about: '', deviations: [deviation] })],
    ['failed', async () => ({ about: '', deviations: [{ ...deviation, value: Number.NaN }] })],
    ['failed', () => Promise.reject(new Error('device lost'))],
    ['not run', () => Promise.reject(new TimeUp('the time was up after 3 s'))],
  ])('has %s', async (status, find) => {
    expect(await runCheck('name', new Budget(60), find)).toMatchObject({ name: 'name', status });
  });
});
