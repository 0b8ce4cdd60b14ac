import { createStages } from '@dpar/example-kit';
import { expect, it, vi } from 'vitest';
import { createEngine } from './engine.js';
import { runPipeline } from './pipeline.js';
import { type Settings, smokeSettings } from './settings.js';

/** The smoke test's models, trained for a few steps only. */
function fewSteps(): Settings {
  const smoke = smokeSettings(0);
  const steps = { steps: 6, validations: 1 };
  return {
    ...smoke,
    images: 150,
    tokenizer: { ...smoke.tokenizer, codebookImages: 60, iterations: 2, steps: 6 },
    entropyModel: { ...smoke.entropyModel, ...steps },
    models: { ...smoke.models, ...steps },
  };
}

it('the demo does the same with TensorFlow.js', async () => {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const run = async (name: 'ort' | 'tfjs') => {
    const engine = await createEngine(name);
    try {
      return await runPipeline(engine, fewSteps(), createStages(true));
    } finally {
      await engine.dispose();
    }
  };
  const [ort, tfjs] = [await run('ort'), await run('tfjs')];
  expect(tfjs.engine).toMatch(/tensorflow/i);
  expect(stderr.mock.calls.map(([text]) => text).join('')).toContain(`TensorFlow.js: ${tfjs.engine}`);
  stderr.mockRestore();
  expect(tfjs.train.tokens.labels).toEqual(ort.train.tokens.labels);
  expect(Math.abs(tfjs.train.psnr - ort.train.psnr)).toBeLessThan(0.5);
  for (const name of ['entropyModel', 'dpar', 'llamaGen'] as const) {
    const [mine, other] = [tfjs[name].training, ort[name].training];
    expect(mine.training.at(-1)?.loss).toBeLessThan(mine.training[0]?.loss ?? 0);
    expect(Math.abs(mine.validationLoss / other.validationLoss - 1), name).toBeLessThan(0.02);
  }
  for (const lengths of tfjs.dpar.generated.patchLengths) {
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(256);
  }
}, 300_000);
