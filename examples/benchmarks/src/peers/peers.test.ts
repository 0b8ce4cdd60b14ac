import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { describe, expect, it } from 'vitest';
import { type PeersReport, peersMarkdown, peersPage, verdict } from './report.js';
import type { Row } from './topic.js';
import { takeTurns } from './turns.js';

const row: Row = {
  what: 'product',
  peer: 'BLAS <1>',
  seconds: { ours: 2, peer: 1 },
  ratio: 0.5,
  agreement: { of: 'values', difference: 1e-7, within: 1e-6 },
  ifSlower: 'It has fewer cores.',
};

describe('a verdict', () => {
  it.each([
    [0.5, 'Slower: it takes 2.00 times as long. It has fewer cores.'],
    [0.96, 'equally fast'],
    [1.04, 'equally fast'],
    [1.06, 'faster'],
  ])('follows the ratio %s', (ratio, text) => {
    expect(verdict({ ...row, ratio })).toBe(text);
  });

  it('names what is missing, and values that differ or are not numbers', () => {
    expect(verdict({ what: 'product', peer: 'BLAS', missing: 'not installed', ifSlower: '' })).toBe(
      'Missing: not installed',
    );
    for (const difference of [2e-6, Number.NaN]) {
      const agreement = { of: 'values', difference, within: 1e-6 };
      expect(verdict({ ...row, ratio: 2, agreement })).toBe('The values differ by more than 1e-6.');
    }
  });
});

describe('turns', () => {
  const settings = { rounds: 3, least: 0 };

  it('compare times of the same round', async () => {
    // The first two runs warm up. A slow round is slow for both.
    const times = (seconds: number[]) => async () => seconds.shift() ?? Number.NaN;
    const ours = times([9, 9, 1, 10, 2]);
    const found = await takeTurns(ours, new Map([['peer', times([9, 9, 3, 30, 4])]]), settings);
    expect(found.get('peer')).toEqual({ seconds: { ours: 2, peer: 4 }, ratio: 3 });
  });

  it('repeat short work, and keep the message of a peer that fails', async () => {
    const repeats: number[] = [];
    const ours = async (repeat: number) => {
      repeats.push(repeat);
      return 0.01;
    };
    const fails = () => Promise.reject(new Error('no compiler'));
    const found = await takeTurns(ours, new Map([['peer', fails]]), { rounds: 1, least: 0.2 });
    expect(repeats).toEqual([1, 1, 20]);
    expect(found.get('peer')).toBe('no compiler');
  });
});

it('reports each row with machine, date and versions, as a page and as Markdown', () => {
  const topic = { name: 'products', title: 'Products', about: 'Of matrices.', versions: {} };
  const missing = { what: 'product', peer: 'MKL', missing: 'not installed', ifSlower: '' };
  const fast = { ...row, peer: 'loop', ratio: 4, amount: { of: 8, unit: 'tokens/s' } };
  const report = {
    machine: { cpu: 'A processor', cores: 2, memoryBytes: 2 ** 34, platform: 'linux-x64', threads: 2, busyBefore: 0.5 },
    date: '2026-01-02T03:04:05.000Z',
    command: 'npm run bench -- --peers',
    rounds: 3,
    seconds: 61,
    small: false,
    versions: { PyTorch: '2.13.0' },
    topics: [{ ...topic, rows: [row, missing, fast] }],
  } as unknown as PeersReport;
  const markdown = peersMarkdown(report);
  expect(markdown).toContain('| product | loop | 4.00 tokens/s | 8.00 tokens/s | 4.00 | 1e-7 (values) | faster |');
  expect(markdown).toContain('| product | MKL | - | - | - | - | Missing: not installed |');
  expect(markdown).toContain(
    "Of 2 times, 1 are shorter than the peer's, 1 are longer, and 0 are equal. Of 2 compared values, 2 agree.",
  );
  const page = peersPage(report);
  expect(page).toContain('BLAS &lt;1&gt;');
  for (const text of ['A processor, 2 cores, 16 GiB', '2026-01-02', '50 %', 'PyTorch', '2.13.0', 'Slower: it takes']) {
    expect(page).toContain(text);
    expect(markdown).toContain(text);
  }
  expect(page).not.toMatch(/<(script|link)|https?:\/\/(?!www\.w3\.org)/);
});

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const bench = (...argv: string[]) => spawnSync(process.execPath, [main, '--peers', ...argv], { encoding: 'utf8' });

it('compares values with every peer that is installed, and names the others', { timeout: 400_000 }, async () => {
  const folder = await temporaryFolder();
  const names = ['training', 'rope', 'readers'];
  const only = names.flatMap((name) => ['--only', name]);
  const { status, stderr } = bench('--small', '--rounds', '1', '--threads', '1', '--output', folder, ...only);
  expect(status, stderr).toBe(0);
  const report = JSON.parse(await readFile(join(folder, 'peers.json'), 'utf8')) as PeersReport;
  expect(report.topics.map(({ name, failed }) => [name, failed])).toEqual(names.map((name) => [name, undefined]));
  const rows = report.topics.flatMap((topic) => topic.rows);
  const peers = new Set(rows.map(({ peer }) => peer.split(',')[0]));
  const expected = [
    'PyTorch',
    'JAX',
    'TensorFlow.js native',
    'TensorFlow.js WASM',
    'rotary-embedding-torch',
    'NumPy',
    'safetensors',
  ];
  expect([...peers].sort()).toEqual(expected.sort());
  for (const { what, peer, missing, agreement, ratio } of rows) {
    const name = `${what}, ${peer}: ${missing}`;
    if (missing !== undefined) expect([name, agreement, ratio]).toEqual([name, undefined, undefined]);
    else expect(agreement?.difference, name).toBeLessThanOrEqual(agreement?.within ?? Number.NaN);
    if (missing === undefined) expect(ratio, name).toBeGreaterThan(0);
  }
  // It needs no Python.
  expect(rows.filter(({ peer, ratio }) => peer.includes('WASM') && ratio !== undefined)).toHaveLength(1);
  const page = await readFile(join(folder, 'peers.html'), 'utf8');
  const markdown = await readFile(join(folder, 'peers.md'), 'utf8');
  for (const { what, peer } of rows) expect(markdown).toContain(`| ${what} | ${peer} |`);
  for (const { title } of report.topics) expect(page).toContain(`<h2>${title}</h2>`);
});

it('refuses what it does not know', () => {
  for (const argv of [['--only', 'nothing'], ['--rounds', '0'], ['--smal']]) {
    expect(bench(...argv)).toMatchObject({ status: 2, stdout: '' });
  }
});
