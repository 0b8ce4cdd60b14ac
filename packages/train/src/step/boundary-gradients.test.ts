import { hasTfjsNode } from '@dpar/config/tfjs-node';
import { createOrtEngine } from '@dpar/engine-ort';
import { createTfjsEngine } from '@dpar/engine-tfjs';
import { relativeDifference } from '@dpar/fixtures';
import { isBoundaryParameter, isReadByHead } from '@dpar/model';
import { createReferenceEngine, type Engine, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { takeImages } from '../batches/token-set.js';
import { tinyHead, tinyModel, tinySet } from '../testing/tiny.js';
import { createLossAndGradients } from './step.js';
import { type Trained, trainedParameters } from './trained.js';

const engines: [string, Promise<Engine>][] = [
  ['reference', Promise.resolve(createReferenceEngine())],
  ['ONNX Runtime', createOrtEngine({ threads: 1 })],
  ['TensorFlow.js WASM', createTfjsEngine({ backend: 'wasm' })],
];
if (hasTfjsNode()) engines.push(['TensorFlow.js Node', createTfjsEngine({ backend: 'node' })]);

afterAll(async () => {
  for (const [, engine] of engines) await (await engine).dispose();
});

const model = tinyModel('dpar', { boundary_head: tinyHead });
// The output layer starts at zero, with which nothing else would matter.
named(model.parameters, 'output.weight').data.forEach((_, i, data) => {
  data[i] = Math.sin(i);
});
const batch = takeImages(tinySet(6), [0, 3, 5]);
const entropies = batch.entropies as HostTensor;
const inputs = model.kind.inputs(model.config, batch);

async function run(engine: Engine, trained: Trained, more: Tensors<HostTensor> = { ...inputs, entropies }) {
  const step = createLossAndGradients(engine, model, [], { trained });
  const result = structuredClone(await step.run(model.parameters, more));
  await step.dispose();
  return result;
}

it('divides the parameters into those of the head, those that it reads, and others', () => {
  const all = trainedParameters(model, 'all');
  const [head, others] = [trainedParameters(model, 'boundary_head'), trainedParameters(model, 'except_boundary_head')];
  expect(all).toEqual(Object.keys(model.parameters));
  expect(head).toEqual(all.filter((name) => name.startsWith('boundary_head.')));
  const frozen = all.filter((name) => !head.includes(name) && !others.includes(name));
  expect(frozen[0]).toBe('tok_embeddings.weight');
  expect(frozen.slice(1).every((name) => name.startsWith('local_encoder.layers.0.'))).toBe(true);
  expect(frozen).toHaveLength(8);
  expect(() => trainedParameters(tinyModel('dpar'), 'boundary_head')).toThrow(
    "trainedParameters: expected a DPAR model with a boundary head ('model.boundary_head') to train 'boundary_head', got a " +
      "model of kind 'dpar' without one",
  );
  expect(() => trainedParameters(tinyModel('llamagen'), 'except_boundary_head')).toThrow("kind 'llamagen' without one");
});

describe.each(engines)('a step (%s)', (_, pending) => {
  it('that only trains the head needs tokens and entropies, and gives its gradients', async () => {
    const engine = await pending;
    const joint = await run(engine, 'all');
    const only = await run(engine, 'boundary_head', { tokens: batch.tokens, entropies });
    expect(Object.keys(only.gradients)).toEqual(Object.keys(model.parameters).filter(isBoundaryParameter));
    expect(only.boundaryLoss).toBe(only.loss);
    expect(only.loss).toBeCloseTo(joint.boundaryLoss ?? 0, 5);
    for (const [name, gradient] of Object.entries(only.gradients)) {
      expect(relativeDifference(gradient, named(joint.gradients, name)), name).toBeLessThan(1e-4);
    }
  });

  it('that trains all has the loss and the gradients of a model without a head for all other parameters', async () => {
    const engine = await pending;
    const plain = tinyModel('dpar');
    const step = createLossAndGradients(engine, plain);
    const parameters = Object.entries(model.parameters).filter(([name]) => !isBoundaryParameter(name));
    const expected = await step.run(Object.fromEntries(parameters), inputs);
    const joint = await run(engine, 'all');
    expect(joint.loss).toBe(expected.loss);
    for (const [name, gradient] of parameters.map(([name]) => [name, named(joint.gradients, name)] as const)) {
      expect(gradient, name).toEqual(named(expected.gradients, name));
    }
    await step.dispose();
  });

  it('that leaves out what the head reads gives the other gradients', async () => {
    const engine = await pending;
    const { gradients: all } = await run(engine, 'all');
    const { gradients, boundaryLoss } = await run(engine, 'except_boundary_head', inputs);
    expect(boundaryLoss).toBeUndefined();
    expect(Object.keys(gradients)).toEqual(Object.keys(all).filter((name) => !isReadByHead(name)));
    for (const [name, gradient] of Object.entries(gradients)) {
      expect(relativeDifference(gradient, named(all, name)), name).toBeLessThan(1e-5);
    }
  });
});

it('has gradients of the squared error that agree with finite differences', async () => {
  const engine = createReferenceEngine();
  const step = createLossAndGradients(engine, model, [], { trained: 'boundary_head' });
  const given = { tokens: batch.tokens, entropies };
  const { gradients } = structuredClone(await step.run(model.parameters, given));
  const lossAt = async (name: string, index: number, change: number): Promise<number> => {
    const changed = structuredClone(named(model.parameters, name));
    changed.data[index] = (changed.data[index] as number) + change;
    return (await step.run({ ...model.parameters, [name]: changed }, given)).loss;
  };
  for (const [name, { data }] of Object.entries(gradients)) {
    const largest = Math.max(...(data as Float32Array).map(Math.abs));
    for (let index = 0; index < data.length; index += 7) {
      const difference = ((await lossAt(name, index, 0.01)) - (await lossAt(name, index, -0.01))) / 0.02;
      expect(Math.abs(difference - (data[index] as number)) / largest, `${name} ${index}`).toBeLessThan(0.01);
    }
  }
});

it('has the mean squared error of what dpar predicts as its loss', async () => {
  const engine = createReferenceEngine();
  const compiled = engine.compile((ops, x) => ({
    predicted: named(model.kind.outputs(ops, model.config, x), 'boundaryEntropies'),
  }));
  const { predicted } = await compiled.run({ ...model.parameters, ...inputs });
  const squares = Array.from((predicted as HostTensor).data, (value, i) => (value - Number(entropies.data[i])) ** 2);
  const { loss } = await run(engine, 'boundary_head', { tokens: batch.tokens, entropies });
  expect(loss).toBeCloseTo(squares.reduce((sum, value) => sum + value, 0) / squares.length, 5);
});
