import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf, matchingLlamaGen, modelOf } from './configs.js';
import { ladder, type Rung } from './ladder.js';
import { fitted, stepSeconds } from './measure.js';
import { makePlan, mostSteps, type PlanFacts, shareForValidation } from './plan.js';

/** Two cores: 0.05 s and 60 GFLOP/s. */
const speed = { overhead: 0.05, rate: 6e10 };

const facts: PlanFacts = {
  ...{ minutes: 30, training: 3600, validation: 190, validationShare: 0.05, classes: 9, resolution: 64 },
  ...{ areDrawings: true, flip: true, compare: false, seed: 0, size: undefined, speed },
};

const sizeOf = (changes: Partial<PlanFacts>): number => {
  const { plan } = makePlan({ ...facts, ...changes });
  return ladder.findIndex(({ name }) => name === plan.size);
};

describe('makePlan', () => {
  it('never plans a smaller model for more minutes or for more pictures', () => {
    const minutes = fc.double({ min: 0.5, max: 3000, noNaN: true });
    const pictures = fc.integer({ min: 20, max: 300_000 });
    fc.assert(
      fc.property(minutes, minutes, pictures, (a, b, training) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        expect(sizeOf({ minutes: more, training })).toBeGreaterThanOrEqual(sizeOf({ minutes: less, training }));
      }),
    );
    fc.assert(
      fc.property(minutes, pictures, pictures, (minutes, a, b) => {
        const [few, many] = [Math.min(a, b), Math.max(a, b)];
        expect(sizeOf({ minutes, training: many })).toBeGreaterThanOrEqual(sizeOf({ minutes, training: few }));
      }),
    );
    const sizes = [2, 10, 30, 60, 240, 1440].map((minutes) => sizeOf({ minutes, training: 100_000 }));
    expect(new Set(sizes).size).toBeGreaterThan(4);
  });

  it('spends the minutes, but not more, and no more than the pictures are good for', () => {
    fc.assert(
      fc.property(fc.double({ min: 2, max: 600, noNaN: true }), fc.boolean(), (minutes, compare) => {
        const { plan, stages } = makePlan({ ...facts, minutes, compare, training: 100_000 });
        const sum = stages.reduce((total, stage) => total + stage.minutes, 0);
        expect(sum).toBeLessThanOrEqual(minutes * 1.01);
        for (const { name, steps = 0 } of stages)
          if (name === 'dpar') expect(steps).toBeLessThanOrEqual(mostSteps(plan));
      }),
    );
    const few = makePlan({ ...facts, minutes: 600, training: 100 });
    expect(few.stages.reduce((total, { minutes }) => total + minutes, 0)).toBeLessThan(300);
    expect(few.plan.training).toBe(100);
  });

  it('reads no more pictures than it can visit', () => {
    const { plan, stages } = makePlan({ ...facts, minutes: 5, training: 300_000 });
    const steps = stages.find(({ name }) => name === 'dpar')?.steps ?? 0;
    expect(plan.training).toBeLessThanOrEqual(Math.max(1000, 1.05 * steps * plan.batchSize));
    expect(plan).toMatchObject({ flip: false, crop: 'fit' });
  });

  it('crops photographs, and shows drawings whole', () => {
    expect(makePlan({ ...facts, areDrawings: false, training: 500 }).plan).toMatchObject({ crop: 'ten', flip: false });
    expect(makePlan({ ...facts, areDrawings: false, flip: false, training: 500 }).plan).toMatchObject({
      crop: 'center',
      flip: false,
    });
  });

  it('keeps the tokens of an earlier round', () => {
    const first = makePlan(facts).plan;
    const start = { codes: 512, pixelsPerToken: 4, models: first.models, tokens: first };
    const { plan, stages } = makePlan({ ...facts, start });
    expect(stages.map(({ name }) => name)).toEqual(['dpar', 'result']);
    expect(plan).toMatchObject({ size: 'given', codes: 512, training: first.training, rateFactor: 0.5 });
  });
});

it('holds a share of the pictures out', () => {
  expect([20, 240, 3781, 300_000].map((images) => Math.round(images * shareForValidation(images)))).toEqual([
    3, 16, 189, 512,
  ]);
});

it('gives LlamaGen the parameters of DPAR', () => {
  const shape = { codes: 1024, tokensPerImage: 256, classes: 9 };
  for (const rung of ladder.slice(0, 5)) {
    const dpar = modelOf('dpar', rung, shape);
    const llamaGen = matchingLlamaGen(modelOf('llamagen', rung, shape), dpar);
    expect(costOf(llamaGen).parameters / costOf(dpar).parameters, rung.name).toBeCloseTo(1, 1);
  }
});

it('fits the time of steps to two measurements', () => {
  const fit = fitted({ flop: 1e10, seconds: 0.3 }, { flop: 4e10, seconds: 0.9 });
  expect(stepSeconds(fit, 2e10)).toBeCloseTo(0.5, 6);
  // Noise: the larger model took less time.
  expect(fitted({ flop: 1e10, seconds: 0.5 }, { flop: 4e10, seconds: 0.4 })).toEqual({ overhead: 0, rate: 1e11 });
});

it('has sizes in ascending order', () => {
  const parameters = ladder.map(
    (rung: Rung) => costOf(modelOf('dpar', rung, { codes: rung.codes, tokensPerImage: 256, classes: 9 })).parameters,
  );
  expect(parameters).toEqual(parameters.toSorted((a, b) => a - b));
});
