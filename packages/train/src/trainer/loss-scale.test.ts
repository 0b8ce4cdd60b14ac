import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine } from '@dpar/engine-ort';
import { type Engine, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { restoreTrainer, writeTrainerCheckpoint } from '../run/checkpoint.js';
import { LossScaler } from '../step/loss-scaler.js';
import { tinyHead, tinyModel, tinySet } from '../testing/tiny.js';
import { Trainer } from './trainer.js';

const engine = await createOrtEngine({ threads: 1 });
afterAll(() => engine.dispose());

/**
 * Engine that says it computes in float16. Gradients of a loss times more than `largest` overflow, with each call or only with
 * some, by their number.
 */
function halfEngine(largest = Number.POSITIVE_INFINITY, overflows = (_call: number) => true): Engine {
  let calls = 0;
  return {
    ...engine,
    precision: 'float16',
    compile: (fn, options) => {
      const compiled = engine.compile(fn, options);
      return {
        get signatures() {
          return compiled.signatures;
        },
        runOnDevice: (...call) => compiled.runOnDevice(...call),
        dispose: () => compiled.dispose(),
        async run(inputs, options) {
          const results = await compiled.run(inputs, options);
          const scale = (inputs.lossScale as HostTensor | undefined)?.data[0] ?? 0;
          if (scale > largest && overflows(calls++))
            named(results, 'grad.norm.weight').data[0] = Number.POSITIVE_INFINITY;
          return results;
        },
      };
    },
  };
}

function tinyTrainer(engine: Engine, changes: object = {}): Trainer {
  const model = tinyModel('dpar', { boundary_head: tinyHead }, 7);
  const settings = { data: tinySet(7), steps: 4, batchSize: 3, seed: 2, accumulationSteps: 3, averageDecay: 0.9 };
  return new Trainer({ engine, model, ...settings, ...changes });
}

async function run(trainer: Trainer, until = Number.POSITIVE_INFINITY) {
  const losses: number[] = [];
  for await (const { loss, step } of trainer.run()) {
    losses.push(loss);
    if (step === until) break;
  }
  const { parameters, average, optimizer, lossScaler } = trainer;
  return structuredClone({ losses, parameters, average, moments: optimizer.moments, scale: lossScaler?.state.data });
}

describe('training with a scaled loss', () => {
  it('has the bits of training without it where nothing overflows', async () => {
    const { scale, ...scaled } = await run(tinyTrainer(halfEngine()));
    const { scale: none, ...plain } = await run(tinyTrainer(engine));
    expect(scaled).toEqual(plain);
    expect([...(scale ?? [])]).toEqual([65_536, 4]);
    expect(none).toBeUndefined();
  });

  it('skips the updates that overflow, and halves the scale', async () => {
    const { scale, ...scaled } = await run(tinyTrainer(halfEngine(20_000)));
    const { scale: _, ...plain } = await run(tinyTrainer(engine));
    expect(scaled).toEqual(plain);
    expect([...(scale ?? [])]).toEqual([16_384, 4]);
  });

  it('ends with an error where no scale helps', async () => {
    const trainer = tinyTrainer(halfEngine(0));
    const before = structuredClone(trainer.parameters);
    await expect(run(trainer)).rejects.toThrow(
      /expected a finite loss and gradient norm, got [\d.]+ and Infinity at step 1/,
    );
    expect(trainer.parameters).toEqual(before);
    expect(trainer.lossScaler?.scale).toBe(1);
    const { data } = named(trainer.parameters as Tensors<HostTensor>, 'norm.weight');
    data[0] = Number.NaN;
    const broken = tinyTrainer(halfEngine(), { model: { ...trainer.model } });
    await expect(run(broken)).rejects.toThrow(/expected a finite loss and gradient norm, got NaN and NaN at step 1/);
    expect(broken.lossScaler?.scale).toBe(65_536);
  });

  it('resumes with the bits of a run that was not interrupted', async () => {
    const folder = join(await temporaryFolder(), 'last');
    const once = (call: number) => call === 7;
    const whole = await run(tinyTrainer(halfEngine(1000, once)));
    const first = tinyTrainer(halfEngine(1000, once));
    await run(first, 3);
    await writeTrainerCheckpoint(folder, first);
    const second = tinyTrainer(halfEngine());
    await restoreTrainer(folder, second);
    expect(second.lossScaler?.state.data).toEqual(first.lossScaler?.state.data);
    const { losses, ...rest } = await run(second);
    const { losses: all, ...expected } = whole;
    expect(losses).toEqual(all.slice(3));
    expect(rest).toEqual(expected);
    expect([...(rest.scale ?? [])]).toEqual([32_768, 2]);
  });
});

describe('LossScaler', () => {
  it('doubles after 2,000 steps without an overflow', () => {
    const scaler = new LossScaler();
    for (let step = 1; step < 2000; step++) scaler.grow();
    expect(scaler.scale).toBe(65_536);
    scaler.grow();
    expect(scaler.scale).toBe(131_072);
    scaler.grow();
    expect(scaler.shrink(1)).toBe(true);
    expect([...scaler.state.data]).toEqual([65_536, 0]);
  });
});
