import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { writeNpy, writeSafetensors } from '@dpar/io/node';
import { createRandom, createReferenceEngine, type Engine, float32, type HostTensor, type Tensors } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { train } from '../run/train.js';
import { entropyCheckpoint, int64, randomVariants, writeLlamaGen, writeShards } from '../testing/disk.js';
import { tinyModel, tinySet } from '../testing/tiny.js';
import { imageRun, tinyDparSettings } from '../testing/tiny-run.js';
import type { StepMetrics } from '../trainer/metrics.js';
import { Trainer } from '../trainer/trainer.js';
import type { TrainerOptions } from '../trainer/trainer-options.js';
import { openTrainingData } from './training-data.js';

const engine = createReferenceEngine();

/** Trains on what lies at a path, to a step and from one. */
async function trainerOn(tokens: string, changes: Partial<TrainerOptions> = {}, entropyModel?: string) {
  const model = changes.model ?? tinyModel('dpar', {}, 7);
  const opened = await openTrainingData(engine, model, { tokens, entropyCheckpoint: entropyModel });
  return new Trainer({
    engine,
    model,
    ...opened,
    steps: 5,
    batchSize: 3,
    seed: 7,
    windowBatches: 3,
    ...changes,
  });
}

async function metricsOf(trainer: Trainer): Promise<StepMetrics[]> {
  const all: StepMetrics[] = [];
  for await (const metrics of trainer.run()) all.push(metrics);
  await trainer.dispose();
  return all;
}

/** Metrics that do not depend on the time. */
const lossesOf = (metrics: readonly StepMetrics[]) =>
  metrics.map(({ step, epoch, loss, gradientNorm, paddingShare }) => ({
    step,
    epoch,
    loss,
    gradientNorm,
    paddingShare,
  }));

/** An engine that keeps the inputs of each run and computes nothing. */
function recordingEngine(seen: Tensors<HostTensor>[], specs: Tensors<{ readonly shape: readonly number[] }>): Engine {
  const gradients = Object.entries(specs).map(([name, { shape }]) => [`grad.${name}`, float32([...shape])]);
  return {
    ...engine,
    compile(fn) {
      const compiled = engine.compile(fn);
      return {
        signatures: 1,
        async run(inputs) {
          const names = ['tokens', 'labels', 'slotToken'];
          seen.push(Object.fromEntries(names.map((name) => [name, inputs[name] as HostTensor])));
          return { loss: float32([], [1]), ...Object.fromEntries(gradients) };
        },
        runOnDevice: (inputs) => compiled.runOnDevice(inputs),
        dispose: () => compiled.dispose(),
      };
    },
  };
}

describe('Trainer on data on disk', () => {
  it('does to the bit what it does in memory', async () => {
    const set = tinySet(9);
    const folder = await temporaryFolder();
    await writeSafetensors(join(folder, 'one.safetensors'), { ...set });
    const shards = await temporaryFolder();
    await writeShards(shards, set, [2, 6, 1]);
    const inMemory = await trainerOn(join(folder, 'one.safetensors'), { validation: set });
    const onDisk = await trainerOn(shards, {
      validation: (await openTrainingData(engine, tinyModel('dpar'), { tokens: shards }, { patchCounts: false })).data,
    });
    expect(lossesOf(await metricsOf(onDisk))).toEqual(lossesOf(await metricsOf(inMemory)));
    expect(onDisk.parameters).toEqual(inMemory.parameters);
  });

  it('sees the same batches wherever it starts', async () => {
    const root = await temporaryFolder();
    await writeLlamaGen(root, randomVariants(11, 4));
    const checkpoint = await entropyCheckpoint();
    const model = tinyModel('dpar');
    /** The inputs of the steps from one to another. */
    const inputsOf = async (from: number, to: number, prefetchBatches: number) => {
      const seen: Tensors<HostTensor>[] = [];
      const recording = recordingEngine(seen, model.kind.specs(model.config));
      const trainer = await trainerOn(root, { engine: recording, steps: to, prefetchBatches }, checkpoint);
      const zero = Object.entries(trainer.optimizer.moments);
      trainer.optimizer.restore(from, Object.fromEntries(zero));
      await metricsOf(trainer);
      return seen;
    };
    const whole = await inputsOf(0, 30, 2);
    expect(whole).toHaveLength(30);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 29 }), fc.nat({ max: 4 }), async (from, prefetch) => {
        expect(await inputsOf(from, 30, prefetch)).toEqual(whole.slice(from));
      }),
      { numRuns: 10 },
    );
  });

  it('stops at data that cannot be read or do not fit, naming the file, before it changes anything', async () => {
    const root = await temporaryFolder();
    await writeLlamaGen(root, randomVariants(4, 2));
    const model = tinyModel('llamagen');
    const trainer = await trainerOn(root, { model, batchSize: 4 });
    const before = structuredClone(trainer.parameters);
    const codes = join(root, 'tiny_codes', '2.npy');
    await rm(codes);
    await expect(metricsOf(trainer)).rejects.toThrow(`expected a NumPy file at '${codes}', got none`);
    await writeNpy(codes, int64([1, 2, 16], new Array(32).fill(6)));
    const unknown = `expected tokens of training data from 0 to 5, got 6 in image 2 ('${codes}')`;
    await expect(metricsOf(await trainerOn(root, { model, batchSize: 4 }))).rejects.toThrow(unknown);
    await writeNpy(codes, int64([1, 2, 16], new Array(32).fill(5)));
    await writeNpy(join(root, 'tiny_labels', '1.npy'), int64([1], [4]));
    const label = 'expected labels of training data from 0 to 2, got 4 in image 1';
    await expect(metricsOf(await trainerOn(root, { model, batchSize: 4 }))).rejects.toThrow(label);
    expect(trainer.parameters).toEqual(before);
    await expect(trainerOn(root)).rejects.toThrow('expected entropies beside the tokens, got none');
    const large = tinyModel('llamagen');
    await expect(trainerOn(root, { model: { ...large, config: { ...large.config, blockSize: 25 } } })).rejects.toThrow(
      'got 4 images of 16',
    );
  });

  it('pads less than 5 % of the positions with the default settings', async () => {
    // Entropies of natural images differ from image to image, and along it.
    const [images, variants, T] = [640, 2, 256];
    const random = createRandom(3, 0);
    const entropies = float32([images * variants, T - 1]);
    for (let i = 0; i < images * variants; i++) {
      const mean = 7.2 + 0.7 * random.normal();
      random.fillNormal(entropies.data.subarray(i * (T - 1), (i + 1) * (T - 1)), { mean, std: 1.2 });
    }
    const folder = await temporaryFolder();
    const tokens = {
      dtype: 'int32' as const,
      shape: [images, variants, T],
      data: new Int32Array(images * variants * T),
    };
    const labels = { dtype: 'int32' as const, shape: [images], data: new Int32Array(images) };
    const shaped = { ...entropies, shape: [images, variants, T - 1] };
    await writeSafetensors(join(folder, 'a.safetensors'), { tokens, labels, entropies: shaped });
    const model = smallDpar();
    const seen: Tensors<HostTensor>[] = [];
    const trainer = await trainerOn(folder, {
      model,
      engine: recordingEngine(seen, model.kind.specs(model.config)),
      steps: 20,
      batchSize: 32,
      windowBatches: undefined,
    });
    const metrics = await metricsOf(trainer);
    const lengths = metrics.map(({ meanPatchLength }) => meanPatchLength);
    expect(Math.max(...lengths) / Math.min(...lengths)).toBeGreaterThan(1.5); // else there is nothing to pad
    const padding = metrics.reduce((sum, { paddingShare }) => sum + paddingShare, 0) / metrics.length;
    expect(padding).toBeGreaterThan(0);
    expect(padding).toBeLessThan(0.05);
  });
});

function smallDpar() {
  const patching = { mode: 'entropy_row_boundary', threshold: 7.8, max_patch_length: 4, row_length: 16 };
  return tinyModel('dpar', { block_size: 256, patching }, 7);
}

describe('train', () => {
  it("computes entropies that are missing, and trains on LlamaGen's layout", async () => {
    const [root, validation, output] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
    await writeLlamaGen(root, randomVariants(6, 10));
    await writeShards(validation, tinySet(4), [4]);
    const { kind: dpar, config: tiny } = tinyModel('dpar');
    const { patching, embedding_type } = dpar.writeConfig(tiny) as Record<string, object>;
    const config = imageRun({
      model: { ...tinyDparSettings, embedding_type, patching },
      data: { tokens: root, validation, entropy_checkpoint: await entropyCheckpoint() },
      steps: 3,
      batch_size: 4,
      output,
    });
    const stages: string[] = [];
    const onData = ({ stage, done, total }: { stage: string; done: number; total: number }) =>
      stages.push(`${stage} ${done}/${total}`);
    const onStart = (): void => {
      stages.push('start');
    };
    const losses: number[][] = [];
    for (let n = 0; n < 2; n++) {
      const metrics: StepMetrics[] = [];
      const run = { ...config, output: `${output}-${n}` };
      for await (const step of train(engine, run, { onData, onStart })) metrics.push(step);
      losses.push(metrics.map(({ loss }) => loss));
      expect(metrics.at(-1)?.validationLoss).toBeGreaterThan(0);
    }
    expect(losses[1]).toEqual(losses[0]);
    expect(stages.filter((stage) => / 6\/6| 4\/4|start/.test(stage))).toEqual([
      ...['entropies 6/6', 'patches 6/6', 'entropies 4/4', 'start'],
      ...['patches 6/6', 'start'],
    ]);
    const stale = { ...config, data: { ...config.data, entropy_checkpoint: await entropyCheckpoint(2) } };
    await expect(train(engine, stale).next()).rejects.toThrow('They are stale: remove them');
  });
});
