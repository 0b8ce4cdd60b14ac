import { createOrtEngine } from '@dpar/engine-ort';
import { relativeDifference } from '@dpar/fixtures';
import { initializeParameters } from '@dpar/nn';
import { createRandom, createReferenceEngine, named } from '@dpar/tensor';
import { afterAll, expect, it } from 'vitest';
import { takeImages } from '../batches/token-set.js';
import { tinyModel, tinySet } from '../testing/tiny.js';
import { DropoutMasks, maskAxes, noDropout } from './dropout.js';
import { createLossAndGradients } from './step.js';

const engine = await createOrtEngine({ threads: 1 });
const reference = createReferenceEngine();
afterAll(() => engine.dispose());

const dropout = { token: 0.2, residual: 0.5, feedForward: 0.1 };

it.each([
  ['without dropout', { dropout: noDropout }],
  ['with dropout', { dropout }],
  ['with dropout and blocks recomputed', { dropout, recomputeBlocks: true }],
])('one graph serves batches of any number of patches, %s', async (_, options) => {
  const model = tinyModel('dpar');
  const parameters = initializeParameters(model.kind.specs(model.config), 3);
  // They start at zero, with which nothing else would matter.
  createRandom(5).fillNormal(named(parameters, 'output.weight').data as Float32Array, { std: 0.3 });
  const compiled = createLossAndGradients(engine, model, [], options);
  const masks = new DropoutMasks(model, options.dropout, 1);
  const T = model.config.blockSize;
  const set = takeImages(tinySet(6), [1, 4]);
  for (const [index, lengths] of [
    [4, 4, 4, 4],
    [1, 3, 2, 2, 1, 3, 2, 2],
    [4, 1, 3, 4, 4],
  ].entries()) {
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(T);
    const patchLengths = {
      dtype: 'int32' as const,
      shape: [2, lengths.length],
      data: Int32Array.from([...lengths, ...lengths]),
    };
    const inputs = model.kind.inputs(model.config, { ...set, patchLengths });
    const all = { ...inputs, ...masks.draw(inputs, index) };
    const actual = await compiled.run(parameters, all);
    const expected = await createLossAndGradients(reference, model, [], options).run(parameters, all);
    expect(actual.loss).toBeCloseTo(expected.loss, 5);
    for (const name of Object.keys(model.kind.specs(model.config))) {
      const error = relativeDifference(named(actual.gradients, name), named(expected.gradients, name));
      expect(error, name).toBeLessThan(1e-4);
    }
  }
  expect(compiled.signatures).toBe(1);
});

it('masks of the global transformer go with the number of patches, others do not', () => {
  const model = tinyModel('dpar');
  const axes = maskAxes(model, dropout, model.kind.inputs(model.config, takeImages(tinySet(6), [1, 4])));
  expect(axes['keep.layers.0.attention']).toEqual({ 1: 'patches' });
  expect(axes).not.toHaveProperty('keep.tok_embeddings');
  expect(maskAxes(model, noDropout, model.kind.inputs(model.config, takeImages(tinySet(6), [1, 4])))).toEqual({});
});
