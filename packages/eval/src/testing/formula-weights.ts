import { readFileSync } from 'node:fs';
import { fixturePath } from '@dpar/fixtures';
import { float32, type HostTensor, type Shape, sizeOf } from '@dpar/tensor';

/** A bijection of 32-bit numbers without pattern. */
function hash(x: number): number {
  let h = x;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Range of values of a parameter: `[low, high]`. */
type RangeOf = (name: string, shape: Shape) => readonly [low: number, high: number];

/** Names and shapes of the parameters of a network, in order. */
export type ParameterList = readonly (readonly [name: string, shape: Shape])[];

/** Weights by the formula that the README of the fixtures gives. */
function formulaWeights(parameters: ParameterList, rangeOf: RangeOf): Record<string, HostTensor> {
  const weights: Record<string, HostTensor> = {};
  for (const [index, [name, shape]] of parameters.entries()) {
    const data = new Float32Array(sizeOf(shape));
    const [low, high] = rangeOf(name, shape);
    const salt = hash(index + 1);
    for (let i = 0; i < data.length; i++) data[i] = low + (high - low) * (hash((i + salt) >>> 0) / 2 ** 32);
    weights[name] = float32(shape, data);
  }
  return weights;
}

function around0(bound: number): readonly [number, number] {
  return [-bound, bound];
}

/** Bound of a matrix or kernel that keeps the scale of activations: sqrt(6 / fan-in). */
function ofFanIn(shape: Shape): readonly [number, number] {
  return around0(Math.sqrt(6 / sizeOf(shape.slice(1))));
}

/** Names and shapes of the fixture `inception`. */
export function inceptionFixtureParameters(): [name: string, shape: Shape][] {
  return JSON.parse(readFileSync(fixturePath('inception/parameters.json'), 'utf8')).parameters;
}

/** The weights of the fixture `inception`. */
export function inceptionFormulaWeights(): Record<string, HostTensor> {
  return formulaWeights(inceptionFixtureParameters(), (name, shape) => {
    if (shape.length >= 2) return ofFanIn(shape);
    if (name.endsWith('running_var')) return [0.5, 1.5];
    return name.endsWith('bn.weight') ? [0.8, 1.2] : around0(0.1);
  });
}

/** Names of the networks of the fixture `dinov2`. */
export type Dinov2Fixture = 'plain' | 'registers';

/** Names and shapes of a network of the fixture `dinov2`. */
export function dinov2FixtureParameters(network: Dinov2Fixture): [name: string, shape: Shape][] {
  return JSON.parse(readFileSync(fixturePath('dinov2/parameters.json'), 'utf8'))[network];
}

/** The weights of a network of the fixture `dinov2`. */
export function dinov2FormulaWeights(parameters: ParameterList | Dinov2Fixture): Record<string, HostTensor> {
  const list = typeof parameters === 'string' ? dinov2FixtureParameters(parameters) : parameters;
  return formulaWeights(list, (name, shape) => {
    if (/(token|tokens|embed)$/.test(name)) return around0(1);
    if (/gamma$|norm.*weight$/.test(name)) return [0.5, 1.5];
    return shape.length >= 2 ? ofFanIn(shape) : around0(0.1);
  });
}
