import { initializeParameters } from '@dpar/nn';
import { float32, type HostTensor, referenceOps } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { discriminate, discriminatorSpecs } from './discriminator.js';

const config = { width: 8, layers: 2 };
const specs = discriminatorSpecs(config);

describe('the discriminator', () => {
  it('has the layers of a patch discriminator', () => {
    const shapes = Object.entries(specs).map(([name, { shape }]) => [name, shape.join(' ')]);
    expect(Object.fromEntries(shapes)).toEqual({
      'discriminator.0.weight': '8 3 4 4',
      'discriminator.0.bias': '8',
      'discriminator.1.weight': '16 8 4 4',
      'discriminator.1.norm.weight': '16',
      'discriminator.1.norm.bias': '16',
      'discriminator.2.weight': '32 16 4 4',
      'discriminator.2.norm.weight': '32',
      'discriminator.2.norm.bias': '32',
      'discriminator.3.weight': '1 32 4 4',
      'discriminator.3.bias': '1',
    });
    const deep = discriminatorSpecs({ width: 8, layers: 5 });
    expect(deep['discriminator.5.weight']?.shape).toEqual([64, 64, 4, 4]); // at most 8 times the width
  });

  it('scores overlapping patches of each image by itself', () => {
    const parameters: Record<string, HostTensor> = initializeParameters(specs, 1);
    const pixels = (count: number) => Float32Array.from({ length: count * 3 * 32 * 32 }, (_, i) => Math.sin(i * i));
    const scores = discriminate(referenceOps, config, parameters, float32([2, 3, 32, 32], pixels(2)));
    // 32 -> 16 -> 8 by stride 2, then 7 and 6.
    expect(scores.shape).toEqual([2, 1, 6, 6]);
    const [first] = [discriminate(referenceOps, config, parameters, float32([1, 3, 32, 32], pixels(1)))];
    expect(first?.data).toEqual(scores.data.slice(0, 36));
  });
});
