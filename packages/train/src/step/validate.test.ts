import { createOrtEngine } from '@dpar/engine-ort';
import { createRandom, float32, sizeOf } from '@dpar/tensor';
import { afterAll, expect, it } from 'vitest';
import { tinyModel, tinySet } from '../testing/tiny.js';
import { createValidator, type ValidatorOptions } from './validate.js';

const engine = await createOrtEngine({ threads: 1 });
afterAll(() => engine.dispose());

it.each(['dpar', 'llamagen'] as const)(
  'measures the same loss of a %s with constant parameters, and nearly the same when these are quantised',
  async (kind) => {
    const model = tinyModel(kind);
    const parameters = Object.fromEntries(
      Object.entries(model.kind.specs(model.config)).map(([name, { shape }], i) => {
        const values = createRandom(7, i).fillNormal(new Float32Array(sizeOf(shape)), { std: 0.3 });
        return [name, float32(shape, values)];
      }),
    );
    const loss = async (options?: ValidatorOptions) => {
      const validator = createValidator(engine, model, options);
      try {
        return await validator.loss(options?.constants ? {} : parameters, tinySet(5), 2);
      } finally {
        await validator.dispose();
      }
    };
    const asInputs = await loss();
    expect(await loss({ constants: parameters })).toBeCloseTo(asInputs, 5);
    const quantised = await loss({ constants: parameters, weights: 'int4' });
    expect(quantised).not.toBe(asInputs);
    expect(quantised).toBeCloseTo(asInputs, 1);
  },
);
