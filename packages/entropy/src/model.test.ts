import { hasTfjsNode } from '@dpar/config/tfjs-node';
import { createOrtEngine } from '@dpar/engine-ort';
import { createTfjsEngine } from '@dpar/engine-tfjs';
import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readCheckpoint, readSafetensors } from '@dpar/io/node';
import { countParameters, initializeParameters } from '@dpar/nn';
import { createReferenceEngine, type Engine, named, type TensorFunction, valueAndGradients } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { entropyKind, entropyModel, entropyModelPresets } from './model.js';

const tensorsOf = async (name: string) => toHostTensors((await readSafetensors(fixturePath(name))).tensors);

function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const scale = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return (
    Array.from(expected).reduce((most, value, i) => Math.max(most, Math.abs((actual[i] ?? Number.NaN) - value)), 0) /
    scale
  );
}

const engines: [string, () => Promise<Engine>][] = [
  ['reference', async () => createReferenceEngine()],
  ['ort', () => createOrtEngine({ threads: 2 })],
  ['tfjs wasm', () => createTfjsEngine({ backend: 'wasm' })],
  ['tfjs cpu', () => createTfjsEngine({ backend: 'cpu' })],
];
if (hasTfjsNode()) engines.push(['tfjs node', () => createTfjsEngine({ backend: 'node' })]);

describe('entropy model', () => {
  it.each(engines)(
    'agrees with the reference vectors on the engine %s: all outputs and gradients',
    async (_, create) => {
      const engine = await create();
      const { config: json, parameters } = await readCheckpoint(fixturePath('entropy-model'));
      const io = await tensorsOf('entropy-model/io.safetensors');
      const gradients = await tensorsOf('entropy-model/grads.safetensors');
      const config = entropyKind.readConfig(json);
      const names = Object.keys(parameters);
      expect(Object.keys(entropyKind.specs(config))).toEqual(names);
      const loss: TensorFunction = (ops, x) => ({ ...entropyModel(ops, config, x, named(x, 'tokens')) });
      const compiled = engine.compile((ops, x) => {
        const result = valueAndGradients(ops, loss, x, { of: 'loss', by: names });
        return { ...result.outputs, ...result.gradients };
      });
      const outputs = await compiled.run({ ...parameters, tokens: named(io, 'tokens') });
      expect(largestError(named(outputs, 'logits').data, named(io, 'logits').data)).toBeLessThan(2e-4);
      expect(largestError(named(outputs, 'entropies').data, named(io, 'entropies').data)).toBeLessThan(1e-5);
      expect(Math.abs((named(outputs, 'loss').data[0] ?? 0) - (named(io, 'loss').data[0] ?? 1))).toBeLessThan(1e-5);
      for (const name of names) {
        const expected = named(gradients, `grad.${name}`).data;
        expect(largestError(named(outputs, name).data, expected), name).toBeLessThan(1e-3);
      }
      await engine.dispose();
    },
  );

  it('has presets of the sizes that the paper compares: 110M and about half of it', () => {
    const shared = {
      multipleOf: 256,
      vocabSize: 16384,
      blockSize: 256,
      numClasses: 1000,
      ropeBase: 1e4,
      normEps: 1e-5,
    };
    const millions = (size: keyof typeof entropyModelPresets) =>
      countParameters(entropyKind.specs({ ...shared, ...entropyModelPresets[size], clsTokenNum: 0 })) / 1e6;
    expect(millions('B')).toBeCloseTo(110, 0);
    expect(millions('S')).toBeGreaterThan(45);
    expect(millions('S')).toBeLessThan(55);
  });

  it('starts out ignorant: every entropy is that of the uniform distribution', async () => {
    const config = entropyKind.readConfig({ dim: 32, n_layer: 1, n_head: 2, vocab_size: 10, block_size: 16 });
    expect(entropyKind.readConfig(entropyKind.writeConfig(config))).toEqual(config);
    const parameters = initializeParameters(entropyKind.specs(config), 1);
    const compiled = createReferenceEngine().compile((ops, x) => ({
      ...entropyModel(ops, config, x, named(x, 'tokens')),
    }));
    const tokens = { dtype: 'int32' as const, shape: [1, 16], data: new Int32Array(16) };
    const { entropies } = await compiled.run({ ...parameters, tokens });
    for (const entropy of entropies?.data ?? [0]) expect(entropy).toBeCloseTo(Math.log(10), 5);
  });
});
