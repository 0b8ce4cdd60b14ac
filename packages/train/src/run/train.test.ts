import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCheckpoint } from '@dpar/io/node';
import { createReferenceEngine, named } from '@dpar/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTokenSet, writeTokenSet } from '../disk/token-file.js';
import { tinySet } from '../testing/tiny.js';
import { train } from './train.js';
import { readTrainConfig } from './train-config.js';
import { readTrainerState } from './trainer-state.js';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-train-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('train', () => {
  const tiny = { dim: 16, n_head: 1, multiple_of: 8, vocab_size: 6, block_size: 16, num_classes: 3, n_layer: 1 };

  it('writes the configuration, the metrics of each step and a checkpoint', async () => {
    const path = join(folder, 'tokens.safetensors');
    await writeTokenSet(path, tinySet(5));
    expect(await readTokenSet(path)).toEqual(tinySet(5));
    const output = join(folder, 'run');
    const config = readTrainConfig({
      model: {
        kind: 'dpar',
        ...tiny,
        n_local_encoder_layers: 1,
        n_local_decoder_layers: 1,
        embedding_type: 'dynamic_4d',
        patching: { threshold: 1, max_patch_length: 4 },
      },
      data: { tokens: path, validation: path },
      optimizer: { schedule: 'cosine', warmup_steps: 1, average_decay: 0.9 },
      steps: 3,
      batch_size: 2,
      validate_every: 2,
      output,
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

  it('lets no second run into its folder while it goes on', async () => {
    const path = join(folder, 'tokens.safetensors');
    await writeTokenSet(path, tinySet(4));
    const output = join(folder, 'run');
    const config = readTrainConfig({
      model: { kind: 'entropy', ...tiny },
      data: { tokens: path },
      steps: 2,
      batch_size: 2,
      output,
    });
    const first = train(createReferenceEngine(), config);
    await first.next();
    const second = train(createReferenceEngine(), config, { resume: true });
    await expect(second.next()).rejects.toThrow(`process ${process.pid} on`);
    await first.return(undefined);
    const steps = [];
    for await (const { step } of train(createReferenceEngine(), config, { resume: true })) steps.push(step);
    expect(steps).toEqual([2]);
    expect(await readdir(output)).not.toContain('.lock');
  });

  it('leaves a checkpoint when it is stopped', async () => {
    const path = join(folder, 'tokens.safetensors');
    await writeTokenSet(path, tinySet(4));
    const config = readTrainConfig({
      model: { kind: 'entropy', ...tiny },
      data: { tokens: path },
      steps: 1000,
      batch_size: 2,
      output: folder,
    });
    const controller = new AbortController();
    for await (const { step } of train(createReferenceEngine(), config, { signal: controller.signal }))
      if (step === 2) controller.abort();
    expect(await readTrainerState(join(folder, 'last'))).toMatchObject({ step: 2, seed: 0 });
  });
});
