import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pearsonCorrelation } from '@dpar/entropy';
import { readCheckpoint, writeClassNames } from '@dpar/io/node';
import { boundaryPatching, isBoundaryParameter, isReadByHead } from '@dpar/model';
import { loadModel, saveModel } from '@dpar/model/node';
import { patchLengths } from '@dpar/patchify';
import { createReferenceEngine, float32, named } from '@dpar/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { entropiesOfSet } from '../batches/entropies.js';
import { readTokenSet, writeTokenSet } from '../disk/token-file.js';
import { tinyHead, tinyModel, tinySet } from '../testing/tiny.js';
import { filesBelow, metricsOf, tinyDparSettings, tinyRun } from '../testing/tiny-run.js';
import { type TrainOptions, train } from './train.js';
import { type ImageModelTrainConfig, readTrainConfig, type TrainConfig } from './train-config.js';

const engine = createReferenceEngine();
const withHead = { ...tinyDparSettings, boundary_head: tinyHead };
let folder = '';
let base = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-boundary-'));
  base = join(folder, 'base');
  await saveModel(base, tinyModel('dpar', {}, 7));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const headRun = (changes: object = {}): Promise<ImageModelTrainConfig> =>
  tinyRun(folder, { model: withHead, init_from: base, train: 'boundary_head', ...changes });

async function trainTo(config: TrainConfig, until = Number.POSITIVE_INFINITY, options: TrainOptions = {}) {
  for await (const { step } of train(engine, config, options)) if (step === until) break;
  return config;
}

async function filesOf({ output }: TrainConfig): Promise<Record<string, string>> {
  const { 'metrics.jsonl': _metrics, 'train.json': _config, ...files } = await filesBelow(output);
  return files;
}

const last = ({ output }: TrainConfig): string => join(output, 'last');

describe('a run that trains only the boundary head', () => {
  it('starts from the checkpoint and leaves its weights as they are, also in the average', async () => {
    const config = await trainTo(await headRun({ optimizer: { learning_rate: 0.01, average_decay: 0.9 } }));
    const before = (await readCheckpoint(base)).parameters;
    const { parameters } = await loadModel(last(config));
    const { parameters: average } = await loadModel(last(config), { weights: 'average.safetensors' });
    expect(Object.keys(parameters).filter((name) => !(name in before))).toEqual(
      Object.keys(parameters).filter(isBoundaryParameter),
    );
    for (const name of Object.keys(before)) {
      expect(parameters[name], name).toEqual(before[name]);
      expect(average[name], name).toEqual(before[name]);
    }
    expect(average['boundary_head.output.bias']).not.toEqual(parameters['boundary_head.output.bias']);
  });

  it('reports how the head agrees with the entropies, and calibrates its threshold', async () => {
    const config = await trainTo(await headRun());
    const lines = (await metricsOf(config.output)) as Record<string, number>[];
    expect(lines).toHaveLength(6);
    for (const { loss, boundary_loss } of lines) expect(boundary_loss).toBe(loss);
    const { validation_loss, ...reported } = lines.at(-1) ?? {};
    expect(reported.validation_boundary_loss).toBe(validation_loss);

    const model = await loadModel(last(config));
    const set = await readTokenSet(String(config.data.validation));
    const given = set.entropies ?? float32([0, 15]);
    const predicted = await entropiesOfSet(engine, model, set);
    const squares = Array.from(predicted.data, (value, i) => (value - (given.data[i] as number)) ** 2);
    expect(validation_loss).toBeCloseTo(squares.reduce((sum, value) => sum + value) / squares.length, 6);
    expect(reported.validation_boundary_correlation).toBeCloseTo(pearsonCorrelation(predicted.data, given.data), 6);
    const patching = boundaryPatching(model.config as Parameters<typeof boundaryPatching>[0]);
    expect(patching.threshold).not.toBe(1);
    const starts = ({ data }: typeof given, threshold: number) =>
      [0, 1, 2].flatMap((image) => {
        const lengths = patchLengths(data.subarray(image * 15, (image + 1) * 15), { ...patching, threshold });
        return Array.from(lengths).flatMap((length) => Array.from({ length }, (_, i) => i === 0));
      });
    const [a, b] = [starts(given, 1), starts(predicted, patching.threshold ?? 0)];
    const count = (flags: boolean[]): number => flags.filter(Boolean).length;
    expect(Math.abs(count(a) - count(b))).toBeLessThanOrEqual(1);
    // The first token of each of the three images starts a patch by itself.
    const agreement = (a.filter((flag, i) => flag === b[i]).length - 3) / 45;
    expect(reported.validation_boundary_agreement).toBeCloseTo(agreement, 9);
  });

  it('calibrates on training images where there are no others', async () => {
    const config = await headRun();
    const { validation: _, ...data } = config.data;
    await trainTo(readTrainConfig({ ...config, data }));
    const json = JSON.parse(await readFile(join(last(config), 'config.json'), 'utf8'));
    expect(json.boundary_head.threshold).toEqual(expect.any(Number));
  });

  it('resumes from any step to the same bytes, without the checkpoint that it started from', async () => {
    const config = await trainTo(await headRun());
    const expected = await filesOf(config);
    const lines = await metricsOf(config.output);
    for (const step of [1, 4]) {
      const other = { ...config, output: join(folder, `to-${step}`) };
      await trainTo(other, step);
      await rm(base, { recursive: true });
      await trainTo(other, undefined, { resume: true });
      expect(await filesOf(other)).toEqual(expected);
      expect(await metricsOf(other.output)).toEqual(lines);
      await saveModel(base, tinyModel('dpar', {}, 7));
    }
  });

  it('keeps the checkpoint of the least error as the best', async () => {
    const config = await trainTo(await headRun({ validate_every: 1, optimizer: { learning_rate: 0.5 } }));
    const errors = ((await metricsOf(config.output)) as Record<string, number>[]).map(
      ({ validation_boundary_loss }) => validation_boundary_loss as number,
    );
    const state = JSON.parse(await readFile(join(config.output, 'best', 'trainer.json'), 'utf8'));
    expect(state.step).toBe(errors.indexOf(Math.min(...errors)) + 1);
  });

  it('takes the same step when a batch is cut into parts', async () => {
    const run = async (name: string, changes: object) => {
      const config = await headRun({ output: join(folder, name), batch_size: 4, ...changes });
      return (await loadModel(last(await trainTo(config)))).parameters;
    };
    const [whole, parts] = [await run('whole', {}), await run('parts', { accumulation_steps: 2 })];
    for (const [name, { data }] of Object.entries(whole)) {
      data.forEach((value, i) => {
        expect(named(parts, name).data[i], name).toBeCloseTo(Number(value), 4);
      });
    }
  });
});

describe('a run that trains all of a model with a boundary head', () => {
  it('does the same steps to all other parameters as without the head', async () => {
    const changes = { optimizer: { learning_rate: 0.05, max_gradient_norm: 0.1, average_decay: 0.9 } };
    const plain = await trainTo(await tinyRun(folder, { ...changes, output: join(folder, 'plain') }));
    const joint = await trainTo(await tinyRun(folder, { ...changes, model: withHead }));
    const [expected, actual] = [await loadModel(last(plain)), await loadModel(last(joint))];
    for (const [name, tensor] of Object.entries(expected.parameters)) {
      expect(actual.parameters[name], name).toEqual(tensor);
    }
    const figures = async ({ output }: TrainConfig) =>
      ((await metricsOf(output)) as Record<string, number>[]).map(({ loss, gradient_norm, validation_loss }) => ({
        loss,
        gradient_norm,
        validation_loss,
      }));
    expect(await figures(joint)).toEqual(await figures(plain));
  });

  it('reports the error of the head, which falls', async () => {
    const config = await tinyRun(folder, { model: withHead, steps: 60, optimizer: { learning_rate: 0.02 } });
    await trainTo(config);
    const lines = (await metricsOf(config.output)) as Record<string, number>[];
    const mean = (part: typeof lines): number => part.reduce((sum, line) => sum + (line.boundary_loss ?? 0), 0) / 10;
    expect(mean(lines.slice(-10))).toBeLessThan(0.7 * mean(lines.slice(0, 10)));
    const end = lines.at(-1) ?? {};
    expect(end.validation_boundary_loss).not.toBe(end.validation_loss);
    expect(end.validation_boundary_agreement).toBeGreaterThan(0.4);
    const json = JSON.parse(await readFile(join(last(config), 'config.json'), 'utf8'));
    expect(json.boundary_head.threshold).toEqual(expect.any(Number));
  });
});

describe('a run that trains all that the head does not depend on', () => {
  it('leaves the head exact, with the threshold of its own patches', async () => {
    const first = await trainTo(await headRun({ output: join(folder, 'first') }));
    const { config: json, parameters: before } = await readCheckpoint(last(first));
    const { threshold } = (json as { boundary_head: { threshold: number } }).boundary_head;
    const config = await headRun({
      init_from: last(first),
      train: 'except_boundary_head',
      model: { ...withHead, patching: { ...withHead.patching, threshold } },
      dropout: { token: 0.1 },
    });
    const data = { ...config.data, entropies: join(folder, 'entropies'), entropy_checkpoint: last(first) };
    const validation_entropies = join(folder, 'validation-entropies');
    await trainTo(readTrainConfig({ ...config, data: { ...data, validation_entropies } }));
    const { parameters } = await loadModel(last(config));
    for (const [name, tensor] of Object.entries(before)) {
      if (isReadByHead(name)) expect(parameters[name], name).toEqual(tensor);
      else expect(parameters[name], name).not.toEqual(tensor);
    }
    const after = JSON.parse(await readFile(join(last(config), 'config.json'), 'utf8'));
    expect(after.boundary_head.threshold).toBe(threshold);
    for (const line of await metricsOf(config.output)) expect(Object.keys(line).join()).not.toContain('boundary');
    const set = tinySet(5, 4);
    const entropies = async (path: string) => entropiesOfSet(engine, await loadModel(path), set);
    expect(await entropies(last(config))).toEqual(await entropies(last(first)));
  });
});

describe('init_from', () => {
  it('starts a model of any kind from weights', async () => {
    const model = tinyModel('entropy', {}, 5);
    await saveModel(base, model);
    const settings = { ...tinyDparSettings, kind: 'entropy', n_layer: 2 };
    const {
      patching: _,
      embedding_type: _type,
      n_local_encoder_layers: _e,
      n_local_decoder_layers: _d,
      ...keys
    } = settings;
    const config = await tinyRun(folder, {
      model: keys,
      init_from: base,
      steps: 1,
      optimizer: { learning_rate: 1e-9 },
    });
    await trainTo(config);
    const { parameters } = await loadModel(last(config));
    const name = 'layers.1.feed_forward.w1.weight';
    named(parameters, name).data.forEach((value, i) => {
      expect(value).toBeCloseTo(Number(named(model.parameters, name).data[i]), 6);
    });
  });

  it.each([
    [() => tinyModel('llamagen'), /init_from: expected a model of kind "dpar" in '.*', got "llamagen"/],
    [
      () => tinyModel('dpar', { dim: 32, n_head: 2 }),
      /init_from: expected weights that fit .* got n_head 2 instead of 1; cls_embedding.embedding_table.weight is float32\[4, 32\] instead of/,
    ],
    [() => tinyModel('dpar', { n_layer: 2 }), /got unknown layers\.1\.attention\.wo\.weight; .*and \d+ more/],
    [() => tinyModel('dpar', { rope_base: 500 }), /got rope_base 500 instead of 10000\. Copy the keys of 'model'/],
  ])('refuses weights that do not fit', async (model, message) => {
    await saveModel(base, model());
    await expect(trainTo(await headRun())).rejects.toThrow(message);
  });

  it('keeps the class table of a run that does not train it, whatever the names of the classes are', async () => {
    await writeClassNames(base, ['a', 'b', 'c']);
    await writeClassNames(folder, ['c', 'b', 'a']);
    const config = await trainTo(await headRun(), 1);
    const [before, after] = [await loadModel(base), await loadModel(last(config))];
    const name = 'cls_embedding.embedding_table.weight';
    expect(after.parameters[name]).toEqual(before.parameters[name]);
  });

  it('draws a head that reads other neighbours', async () => {
    await saveModel(base, tinyModel('dpar', { boundary_head: { ...tinyHead, neighbours: [1, 2] } }));
    const notes: string[] = [];
    await trainTo(await headRun(), 1, { onNote: (text) => notes.push(text) });
    expect(notes.at(-1)).toBe('  boundary_head: 0 of 721; drawn by the seed: the head reads other neighbours');
  });
});

describe('the configuration', () => {
  it('needs a head and weights to train a part', async () => {
    const config = await headRun();
    const read = (changes: object) => () => readTrainConfig({ ...config, ...changes });
    expect(read({ model: tinyDparSettings })).toThrow(
      `expected a DPAR model with 'model.boundary_head' for 'train' "boundary_head", got a model of kind "dpar" without one`,
    );
    expect(read({ init_from: undefined, train: 'except_boundary_head' })).toThrow(
      `expected 'init_from' for 'train' "except_boundary_head", which leaves other parameters as they start, got none`,
    );
    expect(read({ train: 'head' })).toThrow(/'train'/);
    expect(read({ token_noise: 0.1 })).toThrow(
      "expected 'token_noise' 0 where a boundary head is trained, got 0.1. Set 'train' to \"except_boundary_head\"",
    );
    expect(read({ token_noise: 0.1, train: 'except_boundary_head' })).not.toThrow();
  });

  it('needs entropies', async () => {
    const config = await headRun();
    const { entropies: _, ...set } = tinySet(7);
    await writeTokenSet(String(config.data.tokens), set);
    await expect(trainTo(config)).rejects.toThrow(/expected entropies beside the tokens, got none/);
  });
});
