import { hasTfjsNode } from '@dpar/config/tfjs-node';
import { createOrtEngine } from '@dpar/engine-ort';
import { createTfjsEngine } from '@dpar/engine-tfjs';
import { largestDifference, relativeDifference } from '@dpar/fixtures';
import { padPatchLengths, patchLengths } from '@dpar/patchify';
import {
  createReferenceEngine,
  type Engine,
  type HostTensor,
  named,
  type TensorFunction,
  valueAndGradients,
} from '@dpar/tensor';
import { usableEngine } from '@dpar/tensor/conformance';
import { describe, expect, it } from 'vitest';
import { dpar } from './dpar.js';
import { dparKind } from './dpar-kind.js';
import { llamaGen, llamaGenKind } from './llamagen.js';
import { patchingOptions } from './patching-options.js';
import { dparInputs } from './prepare.js';
import { loadFixture, type ModelFixture } from './testing/fixture.js';

const engines: Record<string, () => Promise<Engine>> = {
  reference: async () => createReferenceEngine(),
  ort: () => createOrtEngine({ threads: 2 }),
  'tfjs wasm': () => createTfjsEngine({ backend: 'wasm' }),
  'tfjs cpu': () => createTfjsEngine({ backend: 'cpu' }),
  ...(hasTfjsNode() && { 'tfjs node': () => createTfjsEngine({ backend: 'node' }) }),
};

// Where there is a GPU or a software driver.
const onWebGpu: Record<string, () => Promise<Engine>> = {
  'ort webgpu': () => createOrtEngine({ device: 'webgpu', threads: 1 }),
  'tfjs webgpu': () => createTfjsEngine({ backend: 'webgpu' }),
};
for (const [name, create] of Object.entries(onWebGpu)) {
  const engine = await usableEngine(create);
  if (engine === undefined) continue;
  await engine.dispose();
  engines[name] = create;
}

function differentiated(fn: TensorFunction, parameters: readonly string[]): TensorFunction {
  return (ops, inputs) => {
    const { outputs, gradients } = valueAndGradients(ops, fn, inputs, { of: 'loss', by: parameters });
    return { ...outputs, ...Object.fromEntries(Object.entries(gradients).map(([name, g]) => [`grad.${name}`, g])) };
  };
}

function expectGradients(outputs: Readonly<Record<string, HostTensor>>, fixture: ModelFixture): void {
  expect(Object.keys(fixture.gradients).sort()).toEqual(Object.keys(fixture.parameters).sort());
  for (const [name, expected] of Object.entries(fixture.gradients)) {
    expect(relativeDifference(named(outputs, `grad.${name}`), expected), name).toBeLessThan(1e-3);
  }
}

/** Rows of a [B, M, D] tensor that have a meaning: the first `counts[b]` of each image. */
function meaningful(tensor: HostTensor, counts: readonly number[]): number[] {
  const [, M = 0, D = 0] = tensor.shape;
  return counts.flatMap((count, b) => Array.from(tensor.data.subarray(b * M * D, (b * M + count) * D)));
}

describe.each(Object.keys(engines))('models on the engine %s agree with the reference vectors', (engineName) => {
  const names = ['dpar-dynamic4d', 'dpar-dynamic3d', 'dpar-rope1d', 'dpar-e2d1-static2'];
  it.each(names)('%s', async (name) => {
    const fixture = await loadFixture(name);
    const config = dparKind.readConfig(fixture.config);
    expect(Object.keys(dparKind.specs(config))).toEqual(Object.keys(fixture.parameters));
    const { io } = fixture;
    const lengths = named(io, 'patch_lengths');
    const entropies = named(io, 'entropies');
    const [B = 0, T1 = 0] = entropies.shape;
    const images = Array.from({ length: B }, (_, b) =>
      patchLengths(entropies.data.subarray(b * T1, (b + 1) * T1), patchingOptions(config)),
    );
    const patches = padPatchLengths(images);
    expect(Array.from(patches.data)).toEqual(Array.from(lengths.data));
    const inputs = dparInputs(config, named(io, 'tokens'), named(io, 'labels'), patches);

    const fn: TensorFunction = (ops, x) => {
      const outputs = dpar(ops, config, x, {
        tokens: named(x, 'tokens'),
        labels: named(x, 'labels'),
        globalTable: named(x, 'globalTable'),
        slotToken: named(x, 'slotToken'),
        tokenSlot: named(x, 'tokenSlot'),
        slotMask: named(x, 'slotMask'),
      });
      return { ...outputs };
    };
    const engine = await (engines[engineName] as () => Promise<Engine>)();
    const compiled = engine.compile(differentiated(fn, Object.keys(fixture.parameters)));
    const outputs = await compiled.run({ ...fixture.parameters, ...inputs });

    expect(relativeDifference(named(outputs, 'logits'), named(io, 'logits'))).toBeLessThan(2e-4);
    expect(largestDifference(named(outputs, 'loss').data, named(io, 'loss').data)).toBeLessThan(1e-5);
    expect(relativeDifference(named(outputs, 'encoderTokens'), named(io, 'local_encoder.tokens'))).toBeLessThan(2e-4);
    expect(relativeDifference(named(outputs, 'decoder'), named(io, 'local_decoder'))).toBeLessThan(2e-4);
    const counts = images.map((image) => image.length - 1);
    const patchStates = meaningful(named(io, 'local_encoder.patches'), counts);
    expect(largestDifference(meaningful(named(outputs, 'encoderPatches'), counts), patchStates)).toBeLessThan(2e-4);
    // The class token, then all finished patches.
    const full = images.map((image) => image.length);
    const globalStates = meaningful(named(io, 'global'), full);
    const scale = Math.max(...globalStates.map(Math.abs));
    expect(largestDifference(meaningful(named(outputs, 'global'), full), globalStates) / scale).toBeLessThan(2e-4);
    expectGradients(outputs, fixture);
    await engine.dispose();
  });

  it('llamagen', async () => {
    const fixture = await loadFixture('llamagen');
    const config = llamaGenKind.readConfig(fixture.config);
    expect(Object.keys(llamaGenKind.specs(config))).toEqual(Object.keys(fixture.parameters));
    const fn: TensorFunction = (ops, x) => ({
      ...llamaGen(ops, config, x, named(x, 'tokens'), named(x, 'labels')),
    });
    const engine = await (engines[engineName] as () => Promise<Engine>)();
    const compiled = engine.compile(differentiated(fn, Object.keys(fixture.parameters)));
    const { tokens, labels } = fixture.io as Record<'tokens' | 'labels', HostTensor>;
    const outputs = await compiled.run({ ...fixture.parameters, tokens, labels });
    expect(relativeDifference(named(outputs, 'logits'), named(fixture.io, 'logits'))).toBeLessThan(2e-4);
    expect(largestDifference(named(outputs, 'loss').data, named(fixture.io, 'loss').data)).toBeLessThan(1e-5);
    expectGradients(outputs, fixture);
    await engine.dispose();
  });
});
