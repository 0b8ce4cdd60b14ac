import { readFile } from 'node:fs/promises';
import { fixturePath } from '@dpar/fixtures';
import { describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';

describe.each(['eval-64d', 'eval-singular'])('dpar eval on %s', (name) => {
  const samples = ['--samples', fixturePath(`${name}/sample_features.npy`)];
  const expected = readFile(fixturePath(`${name}/expected.json`), 'utf8').then((text) => JSON.parse(text));

  it('gives all figures that features and logits allow', async () => {
    const { fid, inception_score: score, precision, recall } = await expected;
    const reference = ['--reference', fixturePath(`${name}/reference_features.npy`)];
    const logits = ['--logits', fixturePath(`${name}/sample_logits.npy`), '--split-size', '100'];
    const found = JSON.parse((await runCli(['eval', '--json', ...reference, ...samples, ...logits])).stdout);
    expect(Math.abs(found.fid / fid - 1)).toBeLessThan(1e-6);
    expect(Math.abs(found.inception_score / score - 1)).toBeLessThan(1e-6);
    expect(found).toMatchObject({ precision, recall });
    expect(found.kid_standard_error).toBeGreaterThan(0);
  });

  it('gives FID alone from statistics', async () => {
    const { fid } = await expected;
    const argv = ['eval', '--reference', fixturePath(`${name}/reference_stats.npz`), ...samples];
    const found = JSON.parse((await runCli([...argv, '--json'])).stdout);
    expect(Math.abs(found.fid / fid - 1)).toBeLessThan(1e-6);
    expect(found).not.toHaveProperty('precision');
    expect((await runCli(argv)).stdout).toContain('reference_stats.npz, N = not stated');
  });
});

it('says what it cannot read', async () => {
  const samples = ['--samples', fixturePath('eval-64d/sample_features.npy')];
  const { status, stderr } = await runCli(['eval', '--reference', fixturePath('eval-64d'), ...samples]);
  expect(status).toBe(1);
  expect(stderr).toContain('expected images in');
});
