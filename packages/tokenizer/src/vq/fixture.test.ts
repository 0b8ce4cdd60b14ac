import { createOrtEngine } from '@dpar/engine-ort';
import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readCheckpoint, readSafetensors } from '@dpar/io/node';
import { createReferenceEngine, type Engine, type HostTensor, named, referenceOps, type Tensors } from '@dpar/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { readVqConfig, writeVqConfig } from './config.js';
import { vqDecodeFunction, vqEncodeFunction } from './model.js';
import { vqSpecs } from './specs.js';
import { createVq } from './tokenizer.js';

const { config: json, parameters } = await readCheckpoint(fixturePath('vq'));
const config = readVqConfig(json);
const io = toHostTensors((await readSafetensors(fixturePath('vq/io.safetensors'))).tensors);
const [image, latent, codes, decoded] = ['image', 'latent', 'codes', 'decoded'].map((name) => named(io, name)) as [
  HostTensor<'float32'>,
  HostTensor,
  HostTensor,
  HostTensor,
];
const ort = await createOrtEngine({ threads: 1 });
afterAll(() => ort.dispose());

function largestError(actual: HostTensor, expected: HostTensor): number {
  expect(actual.shape).toEqual(expected.shape);
  return Math.max(...Array.from(expected.data, (value, i) => Math.abs(value - Number(actual.data[i]))));
}

describe('the official tokenizer', () => {
  it('has the official parameters', () => {
    const names = Object.keys(vqSpecs(config));
    expect(names.sort()).toEqual(Object.keys(parameters).sort());
  });

  it.each([
    ['reference', createReferenceEngine()],
    ['ort', ort],
  ] as const)(
    '%s: codes and pixels',
    async (_, engine) => {
      const t = performance.now();
      const encoded = await engine.compile(vqEncodeFunction(config)).run({ ...parameters, image });
      console.log(
        'latent',
        largestError(named(encoded, 'latent'), latent),
        Math.max(...latent.data),
        performance.now() - t,
      );
      expect(named(encoded, 'codes')).toEqual(codes);
      const images = await engine.compile(vqDecodeFunction(config)).run({ ...parameters, codes });
      console.log(
        'decoded',
        largestError(named(images, 'image'), decoded),
        Math.max(...decoded.data),
        performance.now() - t,
      );
    },
    60000,
  );
});
