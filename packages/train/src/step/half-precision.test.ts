import { createOrtEngine } from '@dpar/engine-ort';
import { relativeDifference } from '@dpar/fixtures';
import { float32, named } from '@dpar/tensor';
import { usableEngine } from '@dpar/tensor/conformance';
import { afterAll, describe, expect, it } from 'vitest';
import { readModelFixture, readTensors } from '../testing/fixtures.js';
import { createLossAndGradients } from './step.js';

/** With a GPU that has the feature shader-f16, or with a software driver such as Mesa's. */
const engine = await usableEngine(() => createOrtEngine({ device: 'webgpu', precision: 'float16', threads: 1 }));
afterAll(() => engine?.dispose());

describe.skipIf(engine === undefined)('in float16, losses and gradients are close to the reference vectors', () => {
  if (engine === undefined) return;

  it.each(['dpar-dynamic4d', 'llamagen'])('%s', async (name) => {
    const { model, parameters, batch, io } = await readModelFixture(name);
    const expected = await readTensors(`${name}/grads.safetensors`);
    const compiled = createLossAndGradients(engine, model, ['logits']);
    const inputs = { ...model.kind.inputs(model.config, batch), lossScale: float32([], [65_536]) };
    const { loss, gradients, outputs } = await compiled.run(parameters, inputs);
    await compiled.dispose();
    expect(Math.abs(loss / (named(io, 'loss').data[0] as number) - 1)).toBeLessThan(1e-3);
    expect(relativeDifference(named(outputs, 'logits'), named(io, 'logits'))).toBeLessThan(0.01);
    const differences = Object.entries(gradients).map(([parameter, gradient]) =>
      relativeDifference(gradient, named(expected, `grad.${parameter}`)),
    );
    const largest = Math.max(...differences);
    // Products in float32 would differ by 1e-6.
    expect(largest).toBeGreaterThan(1e-4);
    expect(largest).toBeLessThan(0.06);
  });
});
