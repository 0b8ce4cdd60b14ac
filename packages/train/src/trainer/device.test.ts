import { createOrtEngine } from '@dpar/engine-ort';
import { countTransfers, type Engine, float32, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { AdamW } from '../optimizer/adamw.js';
import { DeviceAdamW } from '../optimizer/device-adamw.js';
import { copyParameters, globalNorm } from '../optimizer/named-tensors.js';
import { tinyHead, tinyModel, tinySet } from '../testing/tiny.js';
import { Trainer } from './trainer.js';
import type { TrainerOptions } from './trainer-options.js';

const host = await createOrtEngine({ threads: 1 });
/** An engine that is used as one with memory of its own, which the CPU has not. */
const device: Engine = { ...host, hasDeviceMemory: true };
afterAll(() => host.dispose());

function tinyTrainer(engine: Engine, changes: Partial<TrainerOptions> = {}, model: object = {}): Trainer {
  return new Trainer({
    engine,
    model: tinyModel('dpar', model, 7),
    data: tinySet(5),
    steps: 6,
    batchSize: 3,
    seed: 7,
    averageDecay: 0.9,
    schedule: (step) => 0.01 / (step + 1),
    ...changes,
  });
}

async function lossesOf(trainer: Trainer, steps = Number.POSITIVE_INFINITY): Promise<number[]> {
  const losses: number[] = [];
  for await (const { loss, gradientNorm } of trainer.run()) {
    losses.push(loss, gradientNorm);
    if (trainer.step >= steps) break;
  }
  return losses;
}

function expectClose(actual: Tensors<HostTensor>, expected: Tensors<HostTensor>, digits: number): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, { data }] of Object.entries(expected)) {
    const other = named(actual, name).data;
    data.forEach((value, i) => {
      expect(other[i], `${name} ${i}`).toBeCloseTo(value, digits);
    });
  }
}

describe('DeviceAdamW', () => {
  it('moves parameters, moments and average as AdamW does, bit for bit as long as nothing is clipped', async () => {
    const make = () => ({ matrix: float32([2, 3], [1, -2, 3, 4, 5, -6]), vector: float32([2], [0.5, -0.25]) });
    const [mine, theirs] = [make(), make()];
    const [average, expected] = [copyParameters(mine), copyParameters(theirs)];
    const [kept, plain] = [new AdamW(mine, { weightDecay: 0.1 }), new AdamW(theirs, { weightDecay: 0.1 })];
    const moved = new DeviceAdamW(host, {
      parameters: mine,
      optimizer: kept,
      average: { tensors: average, decay: 0.9 },
      maxGradientNorm: 100,
      groupOf: () => 'all',
    });
    for (let step = 0; step < 4; step++) {
      const gradients = {
        matrix: float32([2, 3], [0.1, -0.2, step, 1e-4, 0, 2]),
        vector: float32([2], [Math.sin(step), 1]),
      };
      const uploaded = {
        matrix: await host.upload(gradients.matrix),
        vector: await host.upload(gradients.vector),
      };
      const { norms } = await moved.update(uploaded, 0.01);
      expect(norms.all).toBeCloseTo(globalNorm(gradients), 5);
      plain.update(gradients, { learningRate: 0.01, average: { tensors: expected, decay: 0.9 } });
    }
    expect(mine).toEqual(make());
    await moved.download();
    expect(mine).toEqual(theirs);
    expect(average).toEqual(expected);
    expect(kept.moments).toEqual(plain.moments);
    expect(kept.step).toBe(4);
    await moved.dispose();
  });
});

describe('Trainer on an engine with memory of its own', () => {
  it.each([
    ['whole batches', {}, {}],
    ['batches in parts', { accumulationSteps: 3 }, {}],
    ['dropout', { dropout: { token: 0.1, residual: 0.1, feedForward: 0.1 } }, {}],
    ['a boundary head', {}, { boundary_head: tinyHead }],
    ['a boundary head alone', { trained: 'boundary_head' as const }, { boundary_head: tinyHead }],
    ['clipping', { maxGradientNorm: 0.05 }, {}],
  ])('takes the steps of the host, with %s', async (_, changes, model) => {
    const expected = tinyTrainer(host, changes, model);
    const actual = tinyTrainer(device, changes, model);
    const losses = await lossesOf(expected);
    (await lossesOf(actual)).forEach((value, i) => {
      expect(value).toBeCloseTo(losses[i] as number, 5);
    });
    expectClose(actual.parameters, expected.parameters, 4);
    expectClose(actual.average ?? {}, expected.average ?? {}, 4);
    expectClose(actual.state(), expected.state(), 4);
    await expected.dispose();
    await actual.dispose();
  });

  it('copies a batch to the device, and only losses and norms back', async () => {
    const transfersOf = async (of: Engine) => {
      const { engine, transfers } = countTransfers(of);
      const trainer = tinyTrainer(engine);
      const steps: (typeof transfers)[] = [];
      for await (const _ of trainer.run()) {
        steps.push({ ...transfers });
        Object.assign(transfers, { toDevice: 0, toHost: 0, calls: 0 });
      }
      await trainer.dispose();
      const parameters = Object.values(trainer.parameters).reduce((sum, { data }) => sum + data.byteLength, 0);
      return { steps, parameters, after: transfers };
    };
    const onHost = await transfersOf(host);
    const onDevice = await transfersOf(device);
    const { parameters } = onDevice;
    onDevice.steps.forEach(({ toDevice, toHost, calls }, step) => {
      const batch = (onHost.steps[step]?.toDevice ?? 0) - parameters;
      // Before the first step parameters, two moments and the average go up. Each update has three numbers of its own.
      expect(toDevice).toBe(batch + 3 * 4 + (step === 0 ? 4 * parameters : 0));
      expect([toHost, calls]).toEqual([2 * 4, step === 0 ? 3 : 2]);
      expect(onHost.steps[step]?.toHost).toBe(parameters + 4);
    });
    // The end of the run brings everything to the host.
    expect(onDevice.after.toHost).toBe(4 * parameters);
  });

  it('goes on from a downloaded state with the same bits', async () => {
    const whole = tinyTrainer(device);
    const expected = await lossesOf(whole);
    const first = tinyTrainer(device);
    const losses = await lossesOf(first, 3);
    const second = tinyTrainer(device);
    for (const [target, source] of [
      [second.parameters, first.parameters],
      [second.average ?? {}, first.average ?? {}],
      [second.state(), first.state()],
    ] as const) {
      for (const [name, { data }] of Object.entries(target))
        (data as Float32Array).set(named(source, name).data as Float32Array);
    }
    second.resumeAt(3);
    expect([...losses, ...(await lossesOf(second))]).toEqual(expected);
    expect(second.parameters).toEqual(whole.parameters);
    for (const trainer of [whole, first, second]) await trainer.dispose();
  });

  it('validates with the parameters of the device, and stops before it spoils them', async () => {
    const validation = tinySet(4, 3);
    const trainer = tinyTrainer(device, { validation, validateEvery: 2 });
    const found: number[] = [];
    for await (const { validationLoss } of trainer.run()) if (validationLoss !== undefined) found.push(validationLoss);
    expect(found).toHaveLength(3);
    expect(await trainer.validate(trainer.parameters)).toBe(found.at(-1));
    const broken = tinyTrainer(device, { schedule: (step) => (step < 2 ? 0.01 : 1e38), maxGradientNorm: 1e38 });
    await expect(lossesOf(broken)).rejects.toThrow('expected a finite loss and gradient norm');
    for (const { data } of Object.values(broken.state())) expect(data.every(Number.isFinite)).toBe(true);
    for (const each of [trainer, broken]) await each.dispose();
  });
});
