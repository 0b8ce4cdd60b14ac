import { hasTfjsNode } from '@dpar/config/tfjs-node';
import { createOrtEngine } from '@dpar/engine-ort';
import { createTfjsEngine } from '@dpar/engine-tfjs';
import { relativeDifference } from '@dpar/fixtures';
import { createReferenceEngine, named } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { createLossAndGradients } from '../step/step.js';
import { readModelFixture, readTensors } from '../testing/fixtures.js';
import { AdamW } from './adamw.js';
import { clipFactor, globalNorm } from './named-tensors.js';

// The loops of plain JavaScript are slow: they take fewer steps.
const engines = [
  { name: 'ONNX Runtime', steps: 8, create: () => createOrtEngine({ threads: 2 }) },
  { name: 'TensorFlow.js WASM', steps: 8, create: () => createTfjsEngine({ backend: 'wasm' }) },
  { name: 'TensorFlow.js CPU', steps: 2, create: () => createTfjsEngine({ backend: 'cpu' }) },
  { name: 'reference', steps: 2, create: async () => createReferenceEngine() },
];
if (hasTfjsNode()) {
  engines.push({ name: 'TensorFlow.js Node', steps: 8, create: () => createTfjsEngine({ backend: 'node' }) });
}

describe.each(engines)('training on the $name engine', ({ create, steps }) => {
  it('follows PyTorch over steps of AdamW', async () => {
    const { config, model, parameters, batch } = await readModelFixture('dpar-dynamic4d');
    const settings = config.adamw as {
      lr: number;
      betas: [number, number];
      eps: number;
      weight_decay: number;
      max_grad_norm: number;
      loss_and_grad_norm: [number, number][];
    };
    const engine = await create();
    const compiled = createLossAndGradients(engine, model);
    const optimizer = new AdamW(parameters, {
      betas: settings.betas,
      epsilon: settings.eps,
      weightDecay: settings.weight_decay,
    });
    const inputs = model.kind.inputs(model.config, batch);
    expect(settings.loss_and_grad_norm).toHaveLength(8);
    for (const [expectedLoss, expectedNorm] of settings.loss_and_grad_norm.slice(0, steps)) {
      const { loss, gradients } = await compiled.run(parameters, inputs);
      const norm = globalNorm(gradients);
      expect(Math.abs(loss / expectedLoss - 1)).toBeLessThan(1e-3);
      expect(Math.abs(norm / expectedNorm - 1)).toBeLessThan(1e-3);
      optimizer.update(gradients, {
        learningRate: settings.lr,
        gradientScale: clipFactor(norm, settings.max_grad_norm),
      });
    }
    expect(compiled.signatures).toBe(1);
    if (steps < 8) return;
    const expected = await readTensors('dpar-dynamic4d/after_8_adamw_steps.safetensors');
    expect(Object.keys(expected).sort()).toEqual(Object.keys(parameters).sort());
    const worst = Math.max(
      ...Object.entries(expected).map(([name, tensor]) => relativeDifference(named(parameters, name), tensor)),
    );
    expect(worst).toBeLessThan(1e-3);
    await engine.dispose();
  });
});
