import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCheckpoint } from '@dpar/io/node';
import { initializeParameters } from '@dpar/nn';
import { createReferenceEngine, named } from '@dpar/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { restoreTrainer, writeTrainerCheckpoint } from './checkpoint.js';
import { tinyModel, tinySet } from './testing/tiny.js';
import { readTokenSet, writeTokenSet } from './token-file.js';
import { train } from './train.js';
import { readTrainConfig } from './train-config.js';
import { Trainer } from './trainer.js';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-train-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function tinyTrainer(seed: number): Trainer {
  const model = tinyModel('dpar');
  const engine = createReferenceEngine();
  const parameters = initializeParameters(model.specs, 1);
  return new Trainer({ engine, model, parameters, data: tinySet(7), steps: 6, batchSize: 3, seed, averageDecay: 0.9 });
}

describe('checkpoints of a trainer', () => {
  it('continue to the same bytes as a run that was never stopped', async () => {
    const whole = tinyTrainer(1);
    for await (const _ of whole.run());
    const first = tinyTrainer(1);
    for await (const { step } of first.run()) if (step === 3) break;
    await writeTrainerCheckpoint(join(folder, 'last'), first);
    const second = tinyTrainer(1);
    await restoreTrainer(join(folder, 'last'), second);
    expect(second.step).toBe(3);
    for await (const _ of second.run());
    expect(second.parameters).toEqual(whole.parameters);
    expect(second.average).toEqual(whole.average);
    expect(second.optimizer.moments).toEqual(whole.optimizer.moments);
  });

  it('are refused where they do not belong', async () => {
    await writeTrainerCheckpoint(folder, tinyTrainer(1));
    await expect(restoreTrainer(folder, tinyTrainer(2))).rejects.toThrow('expected a step and the seed 2');
  });
});

describe('train', () => {
  const tiny = { dim: 16, n_head: 1, multiple_of: 8, vocab_size: 6, block_size: 16, num_classes: 3, n_layer: 1 };

  it('writes the configuration, the metrics of each step and a checkpoint', async () => {
    const path = join(folder, 'tokens.safetensors');
    await writeTokenSet(path, tinySet(5));
    expect(await readTokenSet(path)).toEqual(tinySet(5));
    const output = join(folder, 'run');
    const config = readTrainConfig({
      model: {
        ...{
          kind: 'dpar',
          ...tiny,
          n_local_encoder_layers: 1,
          n_local_decoder_layers: 1,
          embedding_type: 'dynamic_4d',
        },
        patching: { threshold: 1, max_patch_length: 4 },
      },
      data: { tokens: path, validation: path },
      optimizer: { schedule: 'cosine', warmup_steps: 1, average_decay: 0.9 },
      ...{ steps: 3, batch_size: 2, validate_every: 2, output },
    });
    const losses: number[] = [];
    for await (const { loss } of train(createReferenceEngine(), config)) losses.push(loss);
    const lines = (await readFile(join(output, 'metrics.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ step, loss }) => [step, loss])).toEqual(losses.map((loss, i) => [i + 1, loss]));
    expect(lines.map(({ validation_loss }) => typeof validation_loss)).toEqual(['undefined', 'number', 'number']);
    expect(readTrainConfig(JSON.parse(await readFile(join(output, 'train.json'), 'utf8')))).toEqual(config);
    const { config: modelConfig, parameters } = await readCheckpoint(join(output, 'last'));
    expect(modelConfig).toMatchObject({ kind: 'dpar', dim: 16, patching: { row_length: 4 } });
    expect(named(parameters, 'output.weight').data.some((value) => value !== 0)).toBe(true);
    expect((await readdir(join(output, 'last'))).sort()).toEqual([
      ...['average.safetensors', 'config.json', 'model.safetensors', 'optimizer.safetensors', 'trainer.json'],
    ]);
  });

  it('leaves a checkpoint when it is stopped', async () => {
    const path = join(folder, 'tokens.safetensors');
    await writeTokenSet(path, tinySet(4));
    const config = readTrainConfig({
      model: { kind: 'entropy', ...tiny },
      ...{ data: { tokens: path }, steps: 1000, batch_size: 2, output: folder },
    });
    const controller = new AbortController();
    for await (const { step } of train(createReferenceEngine(), config, controller.signal))
      if (step === 2) controller.abort();
    expect(JSON.parse(await readFile(join(folder, 'last', 'trainer.json'), 'utf8'))).toEqual({ step: 2, seed: 0 });
  });
});
