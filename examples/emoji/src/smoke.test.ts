import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOrtEngine } from '@dpar/engine-ort';
import { createStages } from '@dpar/example-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeOutput } from './output.js';
import { runPipeline } from './pipeline.js';
import type { Results } from './results.js';
import { smokeSettings } from './settings.js';

let results: Results;
let again: Results;
let folder: string;
let report: string;

async function smokeRun(): Promise<Results> {
  const engine = await createOrtEngine({ threads: 2 });
  try {
    return await runPipeline(engine, smokeSettings(0), createStages(true));
  } finally {
    await engine.dispose();
  }
}

describe('the demo, as short as it gets', () => {
  beforeAll(async () => {
    results = await smokeRun();
    again = await smokeRun();
    folder = await mkdtemp(join(tmpdir(), 'dpar-emoji-'));
    const path = await writeOutput(folder, results, {
      machine: 'test',
      stages: [],
      command: 'npm run demo -- --smoke',
    });
    report = await readFile(path, 'utf8');
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('rebuilds images from their tokens', () => {
    expect(results.train.psnr).toBeGreaterThan(18);
    expect(results.validation.psnr).toBeGreaterThan(18);
  });

  it('patches to the mean length that was asked for', () => {
    expect(results.train.patches.meanLength).toBeGreaterThan(1.7);
    expect(results.train.patches.meanLength).toBeLessThan(1.9);
    for (const lengths of results.dpar.generated.patchLengths) {
      expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(256);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(4);
    }
  });

  it.each(['entropyModel', 'dpar', 'llamaGen'] as const)('teaches the model: %s', (name) => {
    const { training, validationLoss } = results[name].training;
    const ignorant = Math.log(results.settings.tokenizer.config.codebookSize);
    expect(training.at(-1)?.loss).toBeLessThan((training[0]?.loss ?? 0) - 0.5);
    expect(validationLoss).toBeLessThan(ignorant - 0.5);
  });

  it('compares models of equal size', () => {
    const ratio = results.dpar.training.parameterCount / results.llamaGen.training.parameterCount;
    expect(Math.abs(ratio - 1)).toBeLessThan(0.08); // the full run: 0.02
    expect(results.matmulMacs.dpar).toBeLessThan(results.matmulMacs.llamaGen);
  });

  it('gives the same tokens in a second run', () => {
    expect(again.train.tokens.tokens).toEqual(results.train.tokens.tokens);
    expect(again.calibration).toEqual(results.calibration);
    expect(again.dpar.generated.tokens).toEqual(results.dpar.generated.tokens);
    expect(again.dpar.generated.patchLengths).toEqual(results.dpar.generated.patchLengths);
    expect(again.llamaGen.generated.tokens).toEqual(results.llamaGen.generated.tokens);
    expect(again.dpar.parameters).toEqual(results.dpar.parameters);
  });

  it('writes one page that needs nothing else', () => {
    expect(report.includes('data:image/png;base64,')).toBe(true);
    expect(report.includes('<svg')).toBe(true);
    const text = report.replace(/data:image\/png;base64,[\w+/=]*/g, '');
    expect(text.match(/(src|href)=["']?(https?:)?\/\/.{0,40}|@import.{0,40}|url\(.{0,40}/)).toBeNull();
    expect(text.match(/.{0,40}(NaN|undefined|\[object).{0,40}/)).toBeNull();
  });
});
