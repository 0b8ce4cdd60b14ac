import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeClassNames } from '@dpar/io/node';
import { saveModel } from '@dpar/model/node';
import { initializeParameters, modelOf } from '@dpar/nn';
import { createReferenceEngine, named } from '@dpar/tensor';
import { patchVqKind } from '@dpar/tokenizer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tinyHead, tinyModel } from '../testing/tiny.js';
import { filesBelow, tinyDparSettings, tinyRun } from '../testing/tiny-run.js';
import { type SelectedParameters, type SourceWeights, selectParameters } from './select-parameters.js';
import { findWeights } from './starting-parameters.js';
import { type TrainOptions, train } from './train.js';
import type { TrainConfig } from './train-config.js';

type Classes = readonly string[] | undefined;

const source = (model: Omit<SourceWeights, 'classes'>, classes?: Classes): SourceWeights => ({ ...model, classes });

/** Parameters of a model that starts from another. */
const select = (model: Omit<SourceWeights, 'classes'>, from: SourceWeights, classes?: Classes): SelectedParameters =>
  selectParameters(model, from, model.parameters, classes);

const table = 'cls_embedding.embedding_table.weight';
/** Rows of a table. */
function rows(parameters: SourceWeights['parameters'], name = table): number[][] {
  const { data, shape } = named(parameters, name);
  const width = shape[1] as number;
  return Array.from({ length: shape[0] as number }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]);
}
const notesOf = ({ parts }: SelectedParameters, part: string) => parts.find(({ name }) => name === part)?.notes;

describe('selectParameters', () => {
  it('takes what has the same name and shape, and keeps the rest', () => {
    const [model, other] = [tinyModel('dpar', { n_layer: 2 }, 1), tinyModel('dpar', {}, 2)];
    const selected = select(model, source(other));
    for (const [name, tensor] of Object.entries(selected.parameters)) {
      const isNew = name.startsWith('layers.1.');
      expect(tensor, name).toBe(isNew ? model.parameters[name] : other.parameters[name]);
      expect(selected.whole.has(name)).toBe(!isNew);
    }
    const layer = Object.entries(other.parameters).filter(([name]) => name.startsWith('layers.0.'));
    const count = layer.reduce((sum, [, { data }]) => sum + data.length, 0);
    expect(selected.parts.find(({ name }) => name === 'layers')).toEqual({
      name: 'layers',
      parameters: 2 * count,
      taken: count,
      notes: ['drawn by the seed (layers.1.attention.wqkv.weight and 6 more): not among the weights'],
    });
    expect(select(other, source(model)).unused).toHaveLength(7);
  });

  it('takes all of a model on another grid, whose positions have no parameters', () => {
    for (const kind of ['dpar', 'llamagen', 'entropy'] as const) {
      const larger = { block_size: 64, ...(kind === 'dpar' && { patching: { threshold: 1, row_length: 8 } }) };
      const { parts, unused } = select(tinyModel(kind, larger), source(tinyModel(kind, {}, 2)));
      expect(parts.every(({ parameters, taken, notes }) => parameters === taken && notes.length === 0)).toBe(true);
      expect(unused).toEqual([]);
    }
  });

  it('draws the positions of a boundary head on another grid, and the head for other neighbours', () => {
    const grid = (rows: number) => ({
      block_size: rows * rows,
      patching: { threshold: 1, max_patch_length: 4, row_length: rows },
      boundary_head: tinyHead,
    });
    const larger = select(tinyModel('dpar', grid(16)), source(tinyModel('dpar', grid(8), 2)));
    expect(notesOf(larger, 'boundary_head')).toEqual([
      'drawn by the seed (boundary_head.positions.weight): expected float32[255, 6], the weights have float32[63, 6]',
    ]);
    const other = tinyModel('dpar', { boundary_head: { ...tinyHead, neighbours: [1, 2, 4] } }, 2);
    const selected = select(tinyModel('dpar', { boundary_head: tinyHead }), source(other));
    expect(notesOf(selected, 'boundary_head')).toEqual(['drawn by the seed: the head reads other neighbours']);
  });

  it('draws the tables of another vocabulary, and says so', () => {
    const [model, other] = [tinyModel('llamagen', { vocab_size: 8 }), tinyModel('llamagen', {}, 2)];
    const selected = select(model, source(other));
    const note = 'drawn by the seed: a vocabulary of 8 codes, the weights have one of 6';
    for (const part of ['tok_embeddings', 'output']) {
      expect(notesOf(selected, part)).toEqual([note]);
      expect(selected.parameters[`${part}.weight`]).toBe(model.parameters[`${part}.weight`]);
    }
    expect(selected.parameters['norm.weight']).toBe(other.parameters['norm.weight']);
  });

  it('takes what a DPAR model has in common with a LlamaGen model, by name', () => {
    const [model, other] = [tinyModel('dpar'), tinyModel('llamagen', {}, 2)];
    const { parts, unused } = select(model, source(other));
    const taken = parts.flatMap((part) => (part.taken === part.parameters ? part.name : []));
    expect(taken).toEqual(['cls_embedding', 'tok_embeddings', 'layers', 'norm', 'output']);
    expect(new Set(unused.map((name) => name.slice(0, 8)))).toEqual(new Set(['layers.1']));
  });

  it('takes the weights of a tokenizer', () => {
    const size = { image_size: 8, patch_size: 4, codebook_size: 5, hidden_dim: 6 };
    const of = (changes: object, seed: number) => {
      const config = patchVqKind.readConfig({ ...size, ...changes });
      return modelOf(patchVqKind, { ...size, ...changes }, initializeParameters(patchVqKind.specs(config), seed));
    };
    const [same, other] = [
      select(of({}, 1), source(of({}, 2))),
      select(of({ codebook_size: 7 }, 1), source(of({}, 2))),
    ];
    expect(same.parts.every(({ parameters, taken }) => parameters === taken)).toBe(true);
    expect(other.parts.filter(({ taken }) => taken === 0).flatMap(({ notes }) => notes)).toEqual([
      expect.stringMatching(/drawn by the seed: expected float32\[7, \d+\], the weights have float32\[5, \d+\]/),
    ]);
  });
});

describe('the class table', () => {
  const other = tinyModel('llamagen', { num_classes: 4 }, 2);
  const given = rows(other.parameters);
  const mean = (given[0] as number[]).map((_, i) => given.slice(0, 4).reduce((sum, row) => sum + (row[i] ?? 0), 0) / 4);

  it('has the rows of the same names, the mean for new names, and the row of the null class', () => {
    const model = tinyModel('llamagen', { num_classes: 5 });
    const selected = select(model, source(other, ['a', 'b', 'c', 'd']), ['c', 'new', 'a', 'x, y']);
    const [c, fresh, a, quoted, nameless, none] = rows(selected.parameters);
    expect([c, a, none]).toEqual([given[2], given[0], given[4]]);
    for (const row of [fresh, quoted, nameless]) {
      row?.forEach((value, i) => {
        expect(value).toBeCloseTo(mean[i] ?? Number.NaN, 6);
      });
    }
    expect(notesOf(selected, 'cls_embedding')).toEqual([
      'takes 2 of 5 classes by name, and the null class',
      'starts from the mean of the 4 classes of the weights: new, x, y, 4',
    ]);
    expect(selected.parts[0]).toMatchObject({ parameters: 6 * 16, taken: 3 * 16 });
    expect(selected.whole.has(table)).toBe(false);
  });

  it('has the mean of a group, or of the words of a name', () => {
    const named = ['pets/cat', 'pets/dog', '/red', '/heart'];
    const classes = ['pets', 'dog', 'a red heart', '/heart', '/blue'];
    const selected = select(tinyModel('llamagen', { num_classes: 5 }), source(other, named), classes);
    const [pets, dog, redHeart, heart, blue] = rows(selected.parameters);
    const close = (row: readonly number[] = []) => row.map((value) => expect.closeTo(value, 6));
    const halfOf = (a: number, b: number) =>
      close((given[a] ?? []).map((value, i) => (value + (given[b]?.[i] ?? 0)) / 2));
    expect([dog, heart]).toEqual([given[1], given[3]]);
    expect([pets, redHeart, blue]).toEqual([halfOf(0, 1), halfOf(2, 3), close(mean)]);
    expect(notesOf(selected, 'cls_embedding')).toEqual([
      'takes 4 of 5 classes by name, and the null class',
      'starts from the mean of several classes or words: pets (2), a red heart (2)',
      'starts from the mean of the 4 classes of the weights: /blue',
    ]);
  });

  it('follows the names even if it has the same size', () => {
    const model = tinyModel('llamagen', { num_classes: 4 });
    const selected = select(model, source(other, ['a', 'b', 'c', 'd']), ['d', 'c', 'b', 'a']);
    expect(rows(selected.parameters)).toEqual([3, 2, 1, 0, 4].map((i) => given[i]));
    expect(notesOf(selected, 'cls_embedding')).toEqual(['takes 4 of 4 classes by name, and the null class']);
  });

  it('is taken whole without names if it has the same size, and else only the null class', () => {
    const same = tinyModel('llamagen', { num_classes: 4 });
    expect(select(same, source(other), ['d', 'c', 'b', 'a']).parameters[table]).toBe(other.parameters[table]);
    const smaller = select(tinyModel('llamagen', {}), source(other, ['a', 'b', 'c', 'd']));
    expect(rows(smaller.parameters).at(-1)).toEqual(given[4]);
    expect(notesOf(smaller, 'cls_embedding')).toEqual([
      'takes only the null class: there are 3 classes in place of 4, and the training data have no names of classes (classes.json)',
      'starts from the mean of the 4 classes of the weights: 0, 1, 2',
    ]);
  });

  it('gains a null class, whose rows have the same number as those of more classes', () => {
    const without = tinyModel('llamagen', { num_classes: 4, class_dropout_prob: 0 }, 2);
    const selected = select(tinyModel('llamagen', {}), source(without));
    expect(notesOf(selected, 'cls_embedding')?.at(-1)).toBe(
      'starts from the mean of the 4 classes of the weights: 0, 1, 2, the null class',
    );
  });
});

describe('a run with init_from', () => {
  const engine = createReferenceEngine();
  let folder = '';
  let base = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dpar-start-'));
    base = join(folder, 'base');
    await saveModel(base, tinyModel('dpar', {}, 7));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  const startRun = (changes: object = {}): Promise<TrainConfig> => tinyRun(folder, { init_from: base, ...changes });

  async function trainTo(config: TrainConfig, until = Number.POSITIVE_INFINITY, options: TrainOptions = {}) {
    const notes: string[] = [];
    const steps = train(engine, config, { ...options, onNote: (text) => notes.push(text) });
    for await (const { step } of steps) if (step === until) break;
    return notes;
  }

  it('tells what it takes, part by part, and records it', async () => {
    await writeClassNames(base, ['a', 'b', 'c']);
    await writeClassNames(folder, ['c', 'b', 'new']);
    const config = await startRun({ model: { ...tinyDparSettings, vocab_size: 7 } });
    const notes = await trainTo(config, 1);
    expect(notes[0]).toMatch(/^starts from '.*base' \(dpar\): takes [\d,]+ of [\d,]+ parameters$/);
    expect(notes).toEqual(
      expect.arrayContaining([
        '  cls_embedding: 48 of 64; takes 2 of 3 classes by name, and the null class; ' +
          'starts from the mean of the 3 classes of the weights: new',
        '  tok_embeddings: 0 of 112; drawn by the seed: a vocabulary of 7 codes, the weights have one of 6',
        '  norm: all 16',
      ]),
    );
    const account = JSON.parse(await readFile(join(config.output, 'starts-from.json'), 'utf8'));
    expect(account).toMatchObject({
      folder: base,
      kind: 'dpar',
      identity: expect.stringMatching(/^sha256:/),
      unused: [],
    });
    expect(account.parts).toContainEqual({ name: 'norm', parameters: 16, taken: 16, notes: [] });
  });

  it('starts the optimizer anew, from the weights alone', async () => {
    const first = await startRun({ output: join(folder, 'first'), init_from: undefined });
    await trainTo(first);
    const copy = join(folder, 'weights-only');
    for (const name of ['config.json', 'model.safetensors'])
      await cp(join(first.output, 'last', name), join(copy, name));
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    await trainTo(await startRun({ output: a, init_from: join(first.output, 'last') }), 2);
    await trainTo(await startRun({ output: b, init_from: copy }), 2);
    const weights = async (output: string) => (await filesBelow(output))['last/optimizer.safetensors'];
    expect(await weights(a)).toBe(await weights(b));
  });

  it('finds the best checkpoint of a run, or else the last', async () => {
    const first = await startRun({ output: join(folder, 'first'), init_from: undefined });
    await trainTo(first);
    expect(await findWeights(first.output)).toBe(join(first.output, 'best'));
    expect(await findWeights(join(first.output, 'last'))).toBe(join(first.output, 'last'));
    await rm(join(first.output, 'best'), { recursive: true });
    expect(await findWeights(first.output)).toBe(join(first.output, 'last'));
    await expect(findWeights(join(folder, 'nowhere'))).rejects.toThrow(/expected the folder of .* got none\. Correct/);
    await expect(findWeights(folder)).rejects.toThrow(/of a run \(with best or last\) at '.*', got one without\./);
  });

  it.each([
    [() => tinyModel('dpar', { dim: 32 }), /got cls_embedding.embedding_table.weight is float32\[4, 32\] instead of/],
    [() => tinyModel('llamagen', { n_head: 2 }), /got n_head 2 instead of 1\. Copy the keys of 'model'/],
    [() => tinyModel('llamagen', { rope_base: 500 }), /got rope_base 500 instead of 10000\. Copy the keys/],
  ])('refuses weights of which nothing fits, or with another meaning', async (model, message) => {
    await saveModel(base, model());
    await expect(trainTo(await startRun())).rejects.toThrow(message);
  });

  it('resumes only with the weights that it started from, or without them', async () => {
    const config = await startRun();
    await trainTo(config, 2);
    const [moved, kept] = [join(folder, 'moved'), join(folder, 'kept')];
    for (const copy of [moved, kept]) await cp(base, copy, { recursive: true });
    const resume = (changes: object = {}) => trainTo({ ...config, ...changes }, 3, { resume: true });
    await expect(resume({ init_from: undefined })).rejects.toThrow(/'init_from' none in place of "sha256:/);
    await saveModel(moved, tinyModel('dpar', {}, 8));
    await expect(resume({ init_from: moved })).rejects.toThrow(/'init_from' "sha256:\w+" in place of "sha256:/);
    await rm(base, { recursive: true });
    await expect(resume({ init_from: join(folder, 'gone') })).rejects.toThrow('expected the folder of a checkpoint');
    expect((await resume()).join()).toMatch(/^resumes from step 2/);
    expect((await resume({ init_from: kept })).join()).toMatch(/^resumes from step 3/);
    const account = JSON.parse(await readFile(join(config.output, 'starts-from.json'), 'utf8'));
    expect(account.folder).toBe(base);
  });
});
