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

/** The values of parameter number `k` (from 1), from u in [0, 1). */
function valueMaker(name: string, shape: Shape): (u: number) => number {
  if (shape.length >= 2) {
    const bound = Math.sqrt(6 / sizeOf(shape.slice(1)));
    return (u) => (2 * u - 1) * bound;
  }
  if (name.endsWith('running_var')) return (u) => 0.5 + u;
  if (name.endsWith('bn.weight')) return (u) => 0.8 + 0.4 * u;
  return (u) => 0.1 * (2 * u - 1);
}

/** Names and shapes of the fixture `inception`. */
export function fixtureParameters(): [name: string, shape: Shape][] {
  return JSON.parse(readFileSync(fixturePath('inception/parameters.json'), 'utf8')).parameters;
}

/** The weights of the fixture `inception`, which a formula makes. */
export function formulaWeights(): Record<string, HostTensor> {
  const weights: Record<string, HostTensor> = {};
  for (const [index, [name, shape]] of fixtureParameters().entries()) {
    const data = new Float32Array(sizeOf(shape));
    const value = valueMaker(name, shape);
    const salt = hash(index + 1);
    for (let i = 0; i < data.length; i++) data[i] = value(hash((i + salt) >>> 0) / 2 ** 32);
    weights[name] = float32(shape, data);
  }
  return weights;
}
