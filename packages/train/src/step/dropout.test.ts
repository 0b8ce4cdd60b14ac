import { hasTfjsNode } from '@dpar/config/tfjs-node';
import { createOrtEngine } from '@dpar/engine-ort';
import { createTfjsEngine } from '@dpar/engine-tfjs';
import { initializeParameters } from '@dpar/nn';
import {
  createRandom,
  createReferenceEngine,
  type Engine,
  float32,
  type HostTensor,
  type HostTensorOf,
  int32,
  named,
  type Tensors,
} from '@dpar/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { promptRow, takeImages } from '../batches/token-set.js';
import { tinyModel, tinySet } from '../testing/tiny.js';
import { DropoutMasks, dropClasses, dropoutPlaces } from './dropout.js';
import { createLossAndGradients } from './step.js';

const kinds = ['dpar', 'llamagen', 'entropy'] as const;
const rates = { token: 0.2, residual: 0.5, feedForward: 0.1 };
const engines: [string, Promise<Engine>][] = [
  ['reference', Promise.resolve(createReferenceEngine())],
  ['ONNX Runtime', createOrtEngine({ threads: 1 })],
  ['TensorFlow.js WASM', createTfjsEngine({ backend: 'wasm' })],
];
if (hasTfjsNode()) engines.push(['TensorFlow.js Node', createTfjsEngine({ backend: 'node' })]);

afterAll(async () => {
  for (const [, engine] of engines) await (await engine).dispose();
});

function batchOf(kind: (typeof kinds)[number]) {
  const model = tinyModel(kind);
  const parameters = initializeParameters(model.kind.specs(model.config), 3);
  // They start at zero, with which nothing else would matter.
  createRandom(5).fillNormal(named(parameters, 'output.weight').data as Float32Array, { std: 0.3 });
  return { model, parameters, inputs: model.kind.inputs(model.config, takeImages(tinySet(6), [0, 3, 5])) };
}

function shareOfOnes({ data }: HostTensor): number {
  return Array.from(data).filter((value) => value === 1).length / data.length;
}

describe('DropoutMasks', () => {
  it.each(kinds)('are there for the tokens and two places of each block of %s', (kind) => {
    const { model, inputs } = batchOf(kind);
    const places = dropoutPlaces(model, inputs);
    const blocks = Object.keys(model.kind.specs(model.config)).flatMap(
      (name) => /^(.*)\.attention\.wo\.weight$/.exec(name)?.[1] ?? [],
    );
    const expected = ['tok_embeddings', ...blocks.flatMap((name) => [`${name}.attention`, `${name}.feed_forward`])];
    expect(places.map(({ name }) => name).sort()).toEqual(expected.sort());
    expect(places.filter(({ kind: what }) => what === 'token')).toHaveLength(1);
    expect(places.filter(({ kind: what }) => what === 'residual')).toHaveLength(blocks.length);
  });

  it('keep the shares that the rates leave', () => {
    const { model } = batchOf('llamagen');
    const inputs = model.kind.inputs(model.config, takeImages(tinySet(6), Array(64).fill(1)));
    const masks = new DropoutMasks(model, rates, 1).draw(inputs, 0);
    expect(shareOfOnes(named(masks, 'keep.tok_embeddings'))).toBeCloseTo(0.8, 1);
    expect(shareOfOnes(named(masks, 'keep.layers.0.attention'))).toBeCloseTo(0.5, 1);
    expect(shareOfOnes(named(masks, 'keep.layers.1.feed_forward'))).toBeCloseTo(0.9, 1);
  });

  it('are a function of seed and number, and leave out places without dropout', () => {
    const { model, inputs } = batchOf('dpar');
    const draw = (seed: number, index: number): Tensors<HostTensor> =>
      structuredClone(new DropoutMasks(model, { ...rates, token: 0 }, seed).draw(inputs, index));
    expect(draw(1, 2)).toEqual(draw(1, 2));
    expect(draw(1, 2)).not.toEqual(draw(1, 3));
    expect(draw(1, 2)).not.toEqual(draw(2, 2));
    expect(draw(1, 2)).not.toHaveProperty('keep.tok_embeddings');
  });
});

describe.each(engines)('a step with dropout (%s)', (_, pending) => {
  it.each(kinds)('of %s gives the same loss and gradients with blocks recomputed', async (kind) => {
    const engine = await pending;
    const { model, parameters, inputs } = batchOf(kind);
    const masks = new DropoutMasks(model, rates, 1).draw(inputs, 0);
    const run = async (dropout: typeof rates | undefined, recomputeBlocks: boolean) => {
      const step = createLossAndGradients(engine, model, [], { dropout, recomputeBlocks });
      const result = await step.run(parameters, { ...inputs, ...(dropout && masks) });
      return structuredClone(result);
    };
    const [plain, dropped, again] = [await run(undefined, false), await run(rates, false), await run(rates, true)];
    expect(Math.abs(dropped.loss - plain.loss)).toBeGreaterThan(1e-3);
    expect(again.loss).toBeCloseTo(dropped.loss, 6);
    for (const [name, { data }] of Object.entries(dropped.gradients)) {
      const largest = Math.max(...(data as Float32Array).map(Math.abs));
      expect(largest, name).toBeGreaterThan(0);
      const other = named(again.gradients, name).data;
      const error = Math.max(...(data as Float32Array).map((value, i) => Math.abs(value - (other[i] as number))));
      expect(error / largest, name).toBeLessThan(1e-5);
    }
  });
});

it('drops each label with the given probability, by seed and step', () => {
  const labels = int32(
    [5000],
    Int32Array.from({ length: 5000 }, (_, i) => i % 7),
  );
  const dropped = dropClasses(labels, 7, 0.1, 3, 12);
  const nulls = dropped.data.filter((label, i) => label === 7 && labels.data[i] !== 7).length;
  expect(Math.abs(nulls - 500)).toBeLessThan(5 * Math.sqrt(5000 * 0.1 * 0.9));
  expect(dropped.data.every((label, i) => label === 7 || label === labels.data[i])).toBe(true);
  expect(dropClasses(labels, 7, 0.1, 3, 12).data).toEqual(dropped.data);
  expect(dropClasses(labels, 7, 0.1, 3, 13).data).not.toEqual(dropped.data);
  expect(dropClasses(labels, 7, 0.1, 4, 12).data).not.toEqual(dropped.data);
  expect(dropClasses(labels, 7, 0, 3, 12).data).toEqual(labels.data);
  expect(dropClasses(labels, 7, 1, 3, 12).data.every((label) => label === 7)).toBe(true);
});

it('leaves some words of a prompt: the first alone, or any number of them in any order, or none of them', () => {
  const [B, W] = [4000, 6];
  const words = [9, 4, 2, 5];
  const labels = int32([B, W], Array.from({ length: B }, () => [...promptRow(words, W)]).flat());
  const dropped = dropClasses(labels, 11, 0.1, 3, 12);
  expect(dropped.shape).toEqual([B, W]);
  const rows = Array.from({ length: B }, (_, i) => [...new Set(dropped.data.subarray(i * W, (i + 1) * W))]);
  const shareOf = (is: (row: readonly number[]) => boolean) => rows.filter(is).length / B;
  const near = (share: number, expected: number) => expect(Math.abs(share - expected)).toBeLessThan(0.03);
  near(
    shareOf(([word]) => word === 11),
    0.1,
  );
  // A quarter, and a sixteenth of the rest: one word of four, and the first of them.
  near(
    shareOf((row) => row.length === 1 && row[0] === 9),
    0.9 * (1 / 4 + 3 / 4 / 16),
  );
  for (const count of [2, 3, 4])
    near(
      shareOf((row) => row.length === count),
      0.9 * (3 / 4) * (1 / 4),
    );
  for (const row of rows)
    expect(row.length === 1 && row[0] === 11 ? words : row).toSatisfy((kept: number[]) =>
      kept.every((word) => words.includes(word)),
    );
  expect(dropClasses(labels, 11, 0.1, 3, 12)).toEqual(dropped);
});

it.each(['dpar', 'llamagen'] as const)(
  'a prompt is the mean of its words, and one word is a class: %s',
  async (kind) => {
    const { model, parameters, inputs } = batchOf(kind);
    const engine = createReferenceEngine();
    const lossOf = async (labels: HostTensorOf<'int32'>, changed = parameters) => {
      return (await createLossAndGradients(engine, model).run(changed, { ...inputs, labels })).loss;
    };
    const table = 'cls_embedding.embedding_table.weight';
    const { shape, data } = named(parameters, table);
    const D = shape[1] as number;
    const alone = await lossOf(int32([3], [1, 0, 1]));
    expect(await lossOf(int32([3, 2], [1, 1, 0, 0, 1, 1]))).toBeCloseTo(alone, 6);
    const mixed = Float32Array.from(data as Float32Array);
    for (let d = 0; d < D; d++) mixed[2 * D + d] = ((data[d] as number) + (data[D + d] as number)) / 2;
    const mean = await lossOf(int32([3], [2, 2, 2]), { ...parameters, [table]: float32(shape, mixed) });
    expect(await lossOf(int32([3, 4], [0, 1, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1]))).toBeCloseTo(mean, 6);
    expect(mean).not.toBeCloseTo(alone, 3);
  },
);
