import { float32, named } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import {
  checkParameters,
  countParameters,
  initializeParameters,
  ones,
  standardNormal,
  truncatedNormal,
  zeros,
} from './parameters.js';
import { stackSpecs } from './stack.js';

const specs = {
  embedding: standardNormal([100, 100]),
  norm: ones([100]),
  cross: truncatedNormal([100, 100], 0.1, 3),
  output: zeros([10, 100]),
};

function moments(data: ArrayLike<number>): { mean: number; std: number; largest: number } {
  const values = Array.from(data);
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const std = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
  return { mean, std, largest: values.reduce((most, x) => Math.max(most, Math.abs(x)), 0) };
}

describe('initializeParameters', () => {
  const parameters = initializeParameters(specs, 7);

  it('draws from the distributions of the specification', () => {
    const embedding = moments(named(parameters, 'embedding').data);
    expect(embedding.mean).toBeCloseTo(0, 3);
    expect(embedding.std).toBeCloseTo(0.02, 3);
    const cross = moments(named(parameters, 'cross').data);
    expect(cross.std).toBeCloseTo(0.1 * 0.9866, 2); // a normal that is cut at 3 standard deviations
    expect(cross.largest).toBeLessThanOrEqual(0.3);
    expect(new Set(named(parameters, 'norm').data)).toEqual(new Set([1]));
    expect(new Set(named(parameters, 'output').data)).toEqual(new Set([0]));
  });

  it('is a function of the seed', () => {
    expect(initializeParameters(specs, 7)).toEqual(parameters);
    expect(initializeParameters(specs, 8).embedding).not.toEqual(parameters.embedding);
  });

  it('are not of heads that do not divide the width, or of sizes that are missing', () => {
    const config = { dim: 64, nHead: 5, multipleOf: 32, normEps: 1e-5 };
    expect(() => stackSpecs('layers', 1, config)).toThrow("'dim' to be a multiple of 'nHead'");
    const partial = { dim: 64, nHead: 4 } as typeof config;
    expect(() => stackSpecs('layers', 1, partial)).toThrow(
      "stackSpecs: expected 'config.multipleOf' to be a number, got undefined.",
    );
  });

  it('counts', () => {
    expect(countParameters(specs)).toBe(10000 + 100 + 10000 + 1000);
  });

  it('is what checkParameters accepts; anything else is listed', () => {
    expect(() => checkParameters(specs, parameters)).not.toThrow();
    const { norm, ...rest } = parameters;
    expect(() => checkParameters(specs, { ...rest, output: float32([1, 2]), extra: float32([1]) })).toThrow(
      /missing norm \[100\]; output is float32\[1, 2\] instead of float32\[10, 100\]; unknown extra/,
    );
  });

  it('lists a few problems and counts the others', () => {
    expect(() =>
      checkParameters(stackSpecs('layers', 9, { dim: 8, nHead: 1, multipleOf: 8, normEps: 1e-5 }), {}),
    ).toThrow(
      /^checkParameters: expected the \d+ parameters of the configuration, got: (missing layers\.0[^;]*; ){5}and \d+ more\. Use/,
    );
  });
});
