import { createOrtEngine } from '@dpar/engine-ort';
import { type DparConfig, isBoundaryParameter } from '@dpar/model';
import { createReferenceEngine, float32, named } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { BatchOrder } from '../batches/batch-order.js';
import { checkTokenSet } from '../batches/check-set.js';
import { sliceImages, type TokenSet } from '../batches/token-set.js';
import { cosineSchedule, type Schedule } from '../optimizer/schedule.js';
import { createOptimizerThread } from '../optimizer/thread.js';
import { tinyHead, tinyModel, tinySet } from '../testing/tiny.js';
import type { StepMetrics } from './metrics.js';
import { Trainer } from './trainer.js';
import type { TrainerOptions } from './trainer-options.js';

function tinyTrainer(kind: 'dpar' | 'llamagen' | 'entropy', changes: Partial<TrainerOptions> = {}): Trainer {
  return new Trainer({
    engine: createReferenceEngine(),
    model: tinyModel(kind, {}, 7),
    data: tinySet(5),
    steps: 3,
    batchSize: 3,
    seed: 7,
    ...changes,
  });
}

async function metricsOf(trainer: Trainer, signal?: AbortSignal): Promise<StepMetrics[]> {
  const all: StepMetrics[] = [];
  for await (const metrics of trainer.run(signal)) all.push(metrics);
  return all;
}

describe('Trainer', () => {
  it.each(['dpar', 'llamagen', 'entropy'] as const)('lets a tiny %s model learn a tiny set by heart', async (kind) => {
    const steps = 200;
    const schedule = cosineSchedule({ learningRate: 0.02, steps, warmupSteps: 5 });
    const data = tinySet(4);
    const engine = await createOrtEngine({ threads: 1 });
    const trainer = tinyTrainer(kind, {
      engine,
      steps,
      batchSize: 4,
      schedule,
      data,
      validation: data,
      classDropout: 0,
    });
    const metrics = await metricsOf(trainer);
    await engine.dispose();
    expect(metrics).toHaveLength(steps);
    expect(metrics[0]?.loss).toBeCloseTo(Math.log(6), 5); // output weights start at zero
    expect(metrics.at(-1)?.loss).toBeLessThan(0.1);
    expect(metrics.at(-1)?.validationLoss).toBeLessThan(0.1);
    expect(metrics.map(({ learningRate }) => learningRate)).toEqual(metrics.map((_, step) => schedule(step)));
  });

  it.each(['reference', 'ort'])('does the same with a thread for the optimizer, on %s', async (name) => {
    const run = async (changes: Partial<TrainerOptions>) => {
      const engine = name === 'ort' ? await createOrtEngine({ threads: 1 }) : createReferenceEngine();
      const trainer = tinyTrainer('dpar', { engine, steps: 4, averageDecay: 0.9, accumulationSteps: 3, ...changes });
      const metrics = (await metricsOf(trainer)).map(({ loss, gradientNorm }) => [loss, gradientNorm]);
      const { moments } = trainer.optimizer;
      await trainer.dispose();
      await engine.dispose();
      return { metrics, parameters: trainer.parameters, average: trainer.average, moments };
    };
    expect(await run({ optimizerThread: createOptimizerThread() })).toEqual(await run({}));
    const once = { accumulationSteps: 1 };
    expect(await run({ ...once, optimizerThread: createOptimizerThread() })).toEqual(await run(once));
  });

  it.each(['reference', 'ort'])(
    'trains only a boundary head, with a thread for the optimizer too, on %s',
    async (name) => {
      const run = async (changes: Partial<TrainerOptions>) => {
        const engine = name === 'ort' ? await createOrtEngine({ threads: 1 }) : createReferenceEngine();
        const model = tinyModel('dpar', { boundary_head: tinyHead }, 7);
        const before = structuredClone(model.parameters);
        const schedule = cosineSchedule({ learningRate: 0.02, steps: 60, warmupSteps: 5 });
        const data = tinySet(6);
        const more = { data, validation: data, schedule, trained: 'boundary_head' as const, averageDecay: 0.9 };
        const trainer = tinyTrainer('dpar', { engine, model, steps: 60, ...more, ...changes });
        const metrics = await metricsOf(trainer);
        const { threshold } = ((await trainer.calibratedConfig()) as DparConfig).boundaryHead ?? {};
        await trainer.dispose();
        await engine.dispose();
        for (const [name, tensor] of Object.entries(before)) {
          if (!isBoundaryParameter(name)) expect(trainer.parameters[name], name).toEqual(tensor);
        }
        const losses = metrics.map(({ loss, gradientNorm, validationLoss }) => [loss, gradientNorm, validationLoss]);
        return { losses, threshold, parameters: trainer.parameters, average: trainer.average };
      };
      const alone = await run({});
      const [[first = 0] = [], last = []] = [alone.losses[0], alone.losses.at(-1)];
      expect(last[2]).toBeLessThan(first / 3);
      expect(await run({ optimizerThread: createOptimizerThread() })).toEqual(alone);
    },
  );

  it('refuses to train a head that there is not, or without entropies', () => {
    const trained = 'boundary_head';
    expect(() => tinyTrainer('llamagen', { trained })).toThrow("a model of kind 'llamagen' without one");
    expect(() => tinyTrainer('dpar', { trained })).toThrow(
      "expected a DPAR model with a boundary head ('model.boundary_head')",
    );
    const { entropies: _, ...data } = tinySet(5);
    const model = tinyModel('dpar', { boundary_head: tinyHead });
    expect(() => tinyTrainer('dpar', { model, trained, data })).toThrow(
      'Trainer: expected entropies beside the tokens',
    );
    expect(() => tinyTrainer('dpar', { trained: 'head' as 'all' })).toThrow(
      "expected 'trained' to be 'all' or 'boundary_head'",
    );
  });

  it('reports what it does', async () => {
    const trainer = tinyTrainer('dpar', { steps: 4 });
    const metrics = await metricsOf(trainer);
    expect(metrics.map(({ step, epoch }) => [step, epoch])).toEqual([
      [1, 0],
      [2, 0],
      [3, 1],
      [4, 1],
    ]);
    for (const { seconds, imagesPerSecond, meanPatchLength, gradientNorm, graphs } of metrics) {
      expect(imagesPerSecond * seconds).toBeCloseTo(3, 9);
      expect(meanPatchLength).toBeGreaterThan(1);
      expect(meanPatchLength).toBeLessThan(4);
      expect(gradientNorm).toBeGreaterThan(0);
      expect(graphs).toBeGreaterThanOrEqual(1);
    }
    expect(trainer.step).toBe(4);
    const [llamaGen] = await metricsOf(tinyTrainer('llamagen', { steps: 1 }));
    expect(llamaGen?.meanPatchLength).toBe(1);
  });

  it.each(['dpar', 'llamagen', 'entropy'] as const)(
    'does the same step for %s when a batch is cut into parts, and when blocks are recomputed',
    async (kind) => {
      const run = async (changes: Partial<TrainerOptions>) => {
        const trainer = tinyTrainer(kind, { data: tinySet(8), batchSize: 4, steps: 3, tokenNoise: 0.2, ...changes });
        const metrics = await metricsOf(trainer);
        return { metrics, parameters: trainer.parameters };
      };
      const whole = await run({});
      for (const changes of [{ accumulationSteps: 2 }, { accumulationSteps: 4 }, { recomputeBlocks: true }]) {
        const other = await run(changes);
        other.metrics.forEach(({ loss, gradientNorm }, i) => {
          expect(loss).toBeCloseTo(whole.metrics[i]?.loss as number, 5);
          expect(gradientNorm).toBeCloseTo(whole.metrics[i]?.gradientNorm as number, 4);
        });
        for (const [name, { data }] of Object.entries(whole.parameters)) {
          const { data: values } = named(other.parameters, name);
          const error = Math.max(...Array.from(data, (value, n) => Math.abs(value - (values[n] as number))));
          expect(error, name).toBeLessThan(2e-5);
        }
      }
    },
  );

  it('refuses a number of parts that does not divide the batch', async () => {
    await expect(metricsOf(tinyTrainer('dpar', { accumulationSteps: 2 }))).rejects.toThrow(
      'expected a batch size that 2 accumulation steps divide, got 3 images',
    );
  });

  it('does the same for the same seed, and something else for another', async () => {
    const dropout = { token: 0.1, residual: 0.1, feedForward: 0.1 };
    const runs = [7, 7, 8].map((seed) => tinyTrainer('dpar', { dropout, seed }));
    for (const trainer of runs) await metricsOf(trainer);
    const [first, second, third] = runs.map(({ parameters }) => named(parameters, 'output.weight').data);
    expect(second).toEqual(first);
    expect(third).not.toEqual(first);
  });

  it('keeps a moving average of the parameters', async () => {
    const trainer = tinyTrainer('llamagen', { steps: 2, averageDecay: 0.5 });
    const snapshots = [structuredClone(trainer.parameters)];
    for await (const _ of trainer.run()) snapshots.push(structuredClone(trainer.parameters));
    const [start, one, two] = snapshots.map((parameters) => named(parameters, 'norm.weight').data);
    named(trainer.average ?? {}, 'norm.weight').data.forEach((value, i) => {
      expect(value).toBeCloseTo(0.25 * (start?.[i] ?? 0) + 0.25 * (one?.[i] ?? 0) + 0.5 * (two?.[i] ?? 0), 6);
    });
  });

  it('measures the loss of all validation images, each once', async () => {
    const validation = tinySet(5, 2);
    const trainer = tinyTrainer('dpar', { steps: 4, validation, validateEvery: 3 });
    const metrics = await metricsOf(trainer);
    expect(metrics.map(({ validationLoss }) => validationLoss !== undefined)).toEqual([false, false, true, true]);
    let sum = 0;
    for (let image = 0; image < 5; image++) {
      sum += await tinyTrainer('dpar', {
        model: { ...tinyModel('dpar'), parameters: trainer.parameters },
        validation: sliceImages(validation, image, 1),
      }).validate();
    }
    expect(metrics.at(-1)?.validationLoss).toBeCloseTo(sum / 5, 5);
    await expect(tinyTrainer('dpar').validate()).rejects.toThrow("'validation' data, got none");
  });

  it('ends after a whole step when it is aborted, and can go on', async () => {
    const whole = tinyTrainer('dpar', { steps: 4 });
    await metricsOf(whole);
    const trainer = tinyTrainer('dpar', { steps: 4 });
    const controller = new AbortController();
    for await (const { step } of trainer.run(controller.signal)) if (step === 2) controller.abort();
    expect(trainer.step).toBe(2);
    await metricsOf(trainer);
    expect(trainer.parameters).toEqual(whole.parameters);
  });

  it('stops at a loss that is not finite, before it spoils the parameters', async () => {
    const trainer = tinyTrainer('llamagen', { batchSize: 5 });
    const { data } = named(trainer.parameters, 'norm.weight');
    data[0] = Number.NaN;
    const before = structuredClone(trainer.parameters);
    await expect(metricsOf(trainer)).rejects.toThrow(
      /expected a finite loss and gradient norm, got NaN and NaN at step 1, with the batch of images [0-4](, [0-4]){4}\./,
    );
    expect(trainer.parameters).toEqual(before);
    expect(trainer.step).toBe(0);
  });

  it('reports what is padding, and how long it waited', async () => {
    const trainer = tinyTrainer('dpar', { data: tinySet(40), steps: 10, batchSize: 6, windowBatches: 1 });
    const model = tinyModel('dpar');
    const counts = model.kind.patchCounts(model.config, 40, tinySet(40).entropies) ?? new Int32Array();
    const order = new BatchOrder({ images: 40, batchSize: 6, windowBatches: 1, seed: 7, patchCounts: counts });
    for (const { step, paddingShare, meanPatchLength, seconds, waitSeconds } of await metricsOf(trainer)) {
      const patches = Array.from(order.at(step - 1), (image) => counts[image] ?? 0);
      const sum = patches.reduce((total, count) => total + count);
      expect(paddingShare).toBeCloseTo(1 - sum / (6 * Math.max(...patches)), 12);
      expect(meanPatchLength).toBeCloseTo((6 * 16) / sum, 12);
      expect(waitSeconds).toBeGreaterThanOrEqual(0);
      expect(waitSeconds).toBeLessThan(seconds);
    }
    for (const kind of ['llamagen', 'entropy'] as const) {
      expect((await metricsOf(tinyTrainer(kind, { steps: 1 })))[0]).toMatchObject({
        paddingShare: 0,
        meanPatchLength: 1,
      });
    }
  });

  it('refuses options that are missing or of another kind', () => {
    expect(() => tinyTrainer('dpar', { steps: Number.NaN })).toThrow("'steps' to be a whole number >= 0, got NaN");
    expect(() => tinyTrainer('dpar', { classDropout: 2 })).toThrow("'classDropout' from 0 to 1, got 2");
    expect(() => tinyTrainer('dpar', { tokenNoise: 1 })).toThrow("'tokenNoise' from 0 to below 1, got 1");
    const withHead = tinyModel('dpar', { boundary_head: tinyHead });
    expect(() => tinyTrainer('dpar', { model: withHead, tokenNoise: 0.1 })).toThrow(
      "expected 'tokenNoise' 0 where a boundary head is trained, got 0.1",
    );
    const others = { trained: 'except_boundary_head' as const };
    expect(() => tinyTrainer('dpar', { model: withHead, tokenNoise: 0.1, ...others })).not.toThrow();
    expect(() => tinyTrainer('dpar', { model: { ...tinyModel('dpar'), parameters: {} } })).toThrow(
      'missing tok_embeddings.weight',
    );
    const schedule = 0.01 as unknown as Schedule;
    expect(() => tinyTrainer('dpar', { schedule })).toThrow('Pass constantSchedule(0.01).');
    const data = undefined as unknown as TokenSet;
    expect(() => tinyTrainer('dpar', { data })).toThrow("Trainer: expected 'data'");
  });

  it('refuses data that do not fit the model', () => {
    const { entropies, ...unlabelled } = tinySet(3);
    const long = { ...unlabelled, entropies: float32([3, 16]) };
    expect(() => tinyTrainer('dpar', { data: long })).toThrow("'entropies' of type float32[3, 15]");
    const missing = { tokens: unlabelled.tokens } as TokenSet;
    expect(() => tinyTrainer('llamagen', { data: missing })).toThrow("'labels' of type int32[3]");
    const data = tinySet(3);
    data.tokens.data[17] = 6;
    expect(() => tinyTrainer('dpar', { data })).toThrow('tokens of training data from 0 to 5, got 6 in image 1');
    const { tokens, labels } = tinySet(3);
    expect(() => tinyTrainer('dpar', { data: { tokens, labels } })).toThrow('expected entropies beside the tokens');
    const labelled = (...classes: number[]) => {
      labels.data.set(classes);
      return () => tinyTrainer('llamagen', { data: { tokens, labels } });
    };
    expect(labelled(0, 1, 4)).toThrow(
      'labels of training data from 0 to 2, got 4 in image 2. These labels go from 0 to 4: set num_classes to 5,',
    );
    // Counted from 1, the last class would be the one that stands for none.
    expect(labelled(2, 3, 1)).toThrow('got 3, the null class of images without a class, in image 1.');
    expect(labelled(2, 3, 1)).toThrow('from 1 to 3 as if classes were counted from 1: subtract 1 from each label.');
    // A model whose table has no row for it cannot read it even where that class is wanted.
    const { kind, config, parameters } = tinyModel('llamagen');
    const withoutNull = { kind, config: { ...config, classDropoutProb: 0 }, parameters };
    labels.data.set([0, 3, 1]);
    expect(() => checkTokenSet(tinyModel('llamagen'), { tokens, labels }, 'x', { nullClass: true })).not.toThrow();
    expect(() => checkTokenSet(withoutNull, { tokens, labels }, 'x', { nullClass: true })).toThrow(
      'labels of x from 0 to 2, got 3, though the model has no null class (class_dropout_prob 0), in image 1.',
    );
    expect(labelled(0, -1, 1)).toThrow('got -1 in image 1. These labels go from -1 to 1: number classes from 0.');
    labels.data.set([0, 1, 2]);
    expect(() => tinyTrainer('llamagen', { validation: sliceImages(data, 0, 0) })).toThrow('got 0 images of 16');
  });
});
