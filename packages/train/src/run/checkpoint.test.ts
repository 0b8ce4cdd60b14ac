import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCheckpoint } from '@dpar/io/node';
import { saveModel } from '@dpar/model/node';
import { createReferenceEngine, named } from '@dpar/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tinyModel, tinySet } from '../testing/tiny.js';
import { filesBelow } from '../testing/tiny-run.js';
import { Trainer } from '../trainer/trainer.js';
import type { TrainerOptions } from '../trainer/trainer-options.js';
import { restoreTrainer, writeTrainerCheckpoint } from './checkpoint.js';
import { readTrainerState } from './trainer-state.js';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-checkpoint-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function tinyTrainer(seed: number, changes: Partial<TrainerOptions> = {}): Trainer {
  const { model = tinyModel('dpar', {}, 1) } = changes;
  const engine = createReferenceEngine();
  const sizes = { steps: 6, batchSize: 3, averageDecay: 0.9 };
  return new Trainer({ engine, model, data: tinySet(7), ...sizes, seed, ...changes });
}

/** Content of a trainer's config.json. */
const configJson = ({ options: { model } }: Trainer) => model.kind.writeConfig(model.config);

/** State of a trainer that a checkpoint stores. */
const stateOf = ({ parameters, average, optimizer, step }: Trainer) =>
  structuredClone({ parameters, average, moments: optimizer.moments, step });

describe("a trainer's checkpoint", () => {
  it('leads to the same bytes as a run that was never stopped', async () => {
    const whole = tinyTrainer(1);
    for await (const _ of whole.run());
    const first = tinyTrainer(1);
    for await (const { step } of first.run()) if (step === 3) break;
    await writeTrainerCheckpoint(join(folder, 'last'), first);
    const second = tinyTrainer(1);
    await restoreTrainer(join(folder, 'last'), second);
    expect(stateOf(second)).toEqual(stateOf(first));
    for await (const _ of second.run());
    expect(stateOf(second)).toEqual(stateOf(whole));
  });

  it('holds weights, average, moments, step, seed and what the run says of itself', async () => {
    const trainer = tinyTrainer(5);
    for await (const { step } of trainer.run()) if (step === 2) break;
    const record = { config: { steps: 6 }, data: { 'data.tokens': 'sha256:0' }, validationLoss: 1.5 };
    await writeTrainerCheckpoint(folder, trainer, record);
    const { config, parameters } = await readCheckpoint(folder);
    expect(config).toEqual(configJson(trainer));
    expect(parameters).toEqual(trainer.parameters);
    const average = await readCheckpoint(folder, { weights: 'average.safetensors' });
    expect(average.parameters).toEqual(trainer.average);
    expect(average.parameters).not.toEqual(parameters);
    const { parameters: moments } = await readCheckpoint(folder, { weights: 'optimizer.safetensors' });
    const { first, second } = trainer.optimizer.moments['output.weight'] ?? {};
    expect(named(moments, 'exp_avg.output.weight').data).toEqual(first);
    expect(named(moments, 'exp_avg_sq.output.weight').data).toEqual(second);
    const { random_state, files, ...state } = await readTrainerState(folder);
    const { config: training, data, validationLoss: validation_loss } = record;
    expect(state).toEqual({ step: 2, seed: 5, config: training, data, validation_loss });
    expect(random_state).toContain('function of the seed and the step');
    // The digest of the system's own program, where there is one.
    const model = files['model.safetensors'];
    expect(model?.bytes).toBe((await readFile(join(folder, 'model.safetensors'))).length);
    const sum = join(folder, 'model.safetensors');
    if (process.platform === 'linux') expect(`${execFileSync('sha256sum', [sum])}`).toContain(model?.sha256);
  });

  it('is not written of parameters that are not finite', async () => {
    const trainer = tinyTrainer(1);
    await writeTrainerCheckpoint(join(folder, 'last'), trainer);
    const before = await filesBelow(folder);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      named(trainer.parameters, 'norm.weight').data[3] = value;
      await expect(writeTrainerCheckpoint(join(folder, 'last'), trainer)).rejects.toThrow(
        `expected finite parameters after step 0, got ${value} in 'norm.weight'`,
      );
    }
    expect(await filesBelow(folder)).toEqual(before);
  });

  const damages: [string, (path: string) => Promise<void>][] = [
    ['cut', async (path) => truncate(path, (await readFile(path)).length >> 1)],
    ['emptied', (path) => truncate(path, 0)],
    ['removed', (path) => rm(path)],
    ['overwritten', async (path) => writeFile(path, (await readFile(path)).fill(120))],
    ['replaced by a longer one', (path) => writeFile(path, 'x'.repeat(100_000))],
    ['changed in one bit', async (path) => writeFile(path, flipped(await readFile(path)))],
  ];
  const files = ['config.json', 'model.safetensors', 'optimizer.safetensors', 'average.safetensors', 'trainer.json'];

  it.each(damages)('with a file that was %s is refused, and nothing changes', async (kind, damage) => {
    const written = tinyTrainer(1);
    for await (const { step } of written.run()) if (step === 2) break;
    const trainer = tinyTrainer(1);
    const before = stateOf(trainer);
    for (const name of files) {
      // One bit of the state's own text may lie in what is said of the run.
      if (name === 'trainer.json' && kind === 'changed in one bit') continue;
      const damaged = join(folder, name);
      await writeTrainerCheckpoint(damaged, written);
      await damage(join(damaged, name));
      const failure = await restoreTrainer(damaged, trainer).catch((error: Error) => error.message);
      expect(failure).toContain(`${damaged}`);
      expect(failure).toContain(name);
      expect(failure).toMatch(/damaged|got no trainer.json/);
      expect(stateOf(trainer)).toEqual(before);
    }
  });

  it('of something else is refused, with what differs', async () => {
    const other = join(folder, 'other');
    const refusal = async (trainer: Trainer): Promise<string> => {
      const before = stateOf(trainer);
      const message = await restoreTrainer(other, trainer).then(
        () => 'none',
        (error: Error) => error.message,
      );
      expect(stateOf(trainer)).toEqual(before);
      return message;
    };
    await writeTrainerCheckpoint(other, tinyTrainer(1));
    expect(await refusal(tinyTrainer(2))).toContain("got 'seed' 1 in place of 2");
    const entropy = tinyTrainer(1, { model: tinyModel('entropy') });
    expect(await refusal(entropy)).toContain(`'kind' "dpar" in place of "entropy"`);
    await writeTrainerCheckpoint(other, tinyTrainer(1, { averageDecay: undefined }));
    expect(await refusal(tinyTrainer(1))).toContain('average.safetensors');
    // A model without a trainer's state, and no checkpoint at all.
    await saveModel(other, tinyModel('dpar'));
    expect(await refusal(tinyTrainer(1))).toContain("expected a trainer's checkpoint in");
    await rm(other, { recursive: true });
    await mkdir(other);
    expect(await refusal(tinyTrainer(1))).toContain('got no trainer.json');
    await rm(other, { recursive: true });
    expect(await refusal(tinyTrainer(1))).toContain('got no trainer.json');
  });
});

function flipped(bytes: Buffer): Buffer {
  const place = bytes.length - 3;
  bytes[place] = (bytes[place] ?? 0) ^ 4;
  return bytes;
}
