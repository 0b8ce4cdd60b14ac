import { createOrtEngine } from '@dpar/engine-ort';
import { entropyKind } from '@dpar/entropy';
import { dparKind, dparPreset, presets } from '@dpar/model';
import { createSampler } from '@dpar/sampler';
import { expect, it } from 'vitest';
import { samplingOptions, thresholdFor } from './calibration.js';
import { entropiesOfModel } from './entropy-source.js';
import { randomParameters } from './random-parameters.js';
import { entropyConfig } from './variant.js';

const gridSize = 8;
const images = 6;

it.each(['float32', 'int8'] as const)(
  'finds the threshold of the patches that the sampler makes, in %s',
  async (weights) => {
    const engine = await createOrtEngine({ threads: 1 });
    const entropy = { ...entropyConfig('T', gridSize), dim: 64, nHead: 2, nLayer: 2 };
    const entropyModel = {
      kind: entropyKind,
      config: entropy,
      parameters: randomParameters(entropyKind.specs(entropy), 2, 0.1),
    };
    const target = { images, gridSize, targetMeanPatchLength: 1.81 };
    const threshold = await thresholdFor(engine, entropiesOfModel(entropyModel), weights, target);
    const config = dparPreset(presets.nano, { gridSize });
    const model = { kind: dparKind, config, parameters: randomParameters(dparKind.specs(config), 1, 0.02) };
    const sampler = createSampler(engine, model, { entropyModel, entropyWeights: weights });
    const { patchLengths } = await sampler.generate({ ...samplingOptions(images), threshold });
    await engine.dispose();
    const patches = patchLengths.reduce((sum, { length }) => sum + length, 0);
    expect(Math.abs((images * gridSize ** 2) / patches - 1.81)).toBeLessThan(0.03);
  },
);
