import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Backend,
  createOps,
  float32,
  type HostTensor,
  hostTensor,
  int32,
  named,
  type Ops,
  referenceOps as ops,
  Tape,
  type TensorFunction,
  type Tensors,
  valueAndGradients,
} from '../index.js';

const list = (tensor: HostTensor | undefined) => Array.from(tensor?.data ?? []);

/** Gradient of the sum of f(x). */
function gradient(x: HostTensor, f: <T>(ops: Ops<T>, x: T) => T): number[] {
  const fn: TensorFunction = (inner, inputs) => ({ loss: inner.sum(f(inner, named(inputs, 'x'))) });
  return list(valueAndGradients(ops, fn, { x }, { of: 'loss', by: ['x'] }).gradients.x);
}

describe('where a function has a kink', () => {
  const x = float32([3], [-1, 0, 2]);

  it('abs has gradient 0 at 0', () => {
    expect(gradient(x, (o, v) => o.abs(v))).toEqual([-1, 0, 1]);
  });

  it('equal arguments of maximum and minimum share the gradient', () => {
    const zero = float32([3], [0, 0, 0]);
    expect(gradient(x, (o, v) => o.maximum(v, o.constant(zero)))).toEqual([0, 0.5, 1]);
    expect(gradient(x, (o, v) => o.minimum(v, o.constant(zero)))).toEqual([1, 0.5, 0]);
    expect(gradient(x, (o, v) => o.maximum(v, v))).toEqual([1, 1, 1]);
  });

  it('equal maxima share the gradient', () => {
    const ties = float32([2, 3], [1, 5, 5, 2, 2, 2]);
    const third = Math.fround(1 / 3);
    expect(gradient(ties, (o, v) => o.max(v, { axes: 1 }))).toEqual([0, 0.5, 0.5, third, third, third]);
  });
});

describe('several uses of one tensor', () => {
  it('add their gradients', () => {
    expect(gradient(float32([2], [1, 3]), (o, v) => o.add(o.mul(v, v), o.mul(v, 5)))).toEqual([7, 11]);
  });

  it('as slices, overlapping or not, on any axes, add as if each had been padded', () => {
    const range = (length: number) =>
      fc
        .tuple(fc.nat(length), fc.nat(length))
        .map(([a, b]) => ({ start: Math.min(a, b), size: Math.abs(a - b) }))
        .filter(({ size }) => size > 0);
    const slices = fc.array(
      fc.oneof(
        range(4).map((r) => ({ axis: 0, ...r })),
        range(5).map((r) => ({ axis: 1, ...r })),
      ),
      { minLength: 1, maxLength: 6 },
    );
    const x = float32([4, 5]);
    fc.assert(
      fc.property(slices, fc.boolean(), (parts, whole) => {
        const expected = new Float32Array(20).fill(whole ? 1 : 0);
        parts.forEach(({ axis, start, size }, n) => {
          expected.forEach((_, i) => {
            const place = axis === 0 ? Math.floor(i / 5) : i % 5;
            if (place >= start && place < start + size) expected[i]! += n + 2;
          });
        });
        const actual = gradient(x, (o, v) => {
          const sums = parts.map(({ axis, start, size }, n) => o.mul(o.sum(o.slice(v, axis, start, size)), n + 2));
          return [...sums, ...(whole ? [o.sum(v)] : [])].reduce((total, part) => o.add(total, part));
        });
        expect(actual).toEqual([...expected]);
      }),
    );
  });
});

describe('valueAndGradients', () => {
  const fn: TensorFunction = (o, inputs) => {
    const y = o.mul(named(inputs, 'a'), named(inputs, 'b'));
    return { y, loss: o.sum(y), index: o.argMax(y) };
  };
  const inputs = { a: float32([2], [1, 2]), b: float32([2], [3, 4]), c: float32([3], [1, 1, 1]), n: int32([1]) };

  it('gives every output and the gradients that were asked for', () => {
    const { outputs, gradients } = valueAndGradients(ops, fn, inputs, { of: 'loss', by: ['b'] });
    expect(outputs).toEqual({ y: float32([2], [3, 8]), loss: float32([], [11]), index: int32([], [1]) });
    expect(gradients).toEqual({ b: inputs.a });
  });

  it('gives zeros for inputs that do not matter', () => {
    const { gradients } = valueAndGradients(ops, fn, inputs, { of: 'loss', by: ['c', 'a'] });
    expect(gradients).toEqual({ c: float32([3]), a: inputs.b });
  });

  it('differentiates an input that is itself the result', () => {
    const same: TensorFunction = (_, { a }) => ({ a: a as NonNullable<typeof a> });
    const { gradients } = valueAndGradients(ops, same, { a: float32([], [3]) }, { of: 'a', by: ['a'] });
    expect(gradients).toEqual({ a: float32([], [1]) });
  });

  it('rejects names and types that do not fit', () => {
    const run = (of: string, by: string[]) => () => valueAndGradients(ops, fn, inputs, { of, by });
    expect(run('loss', ['q'])).toThrow("expected a float32 input 'q' to differentiate by, got inputs a, b, c, n.");
    expect(run('loss', ['n'])).toThrow("expected a float32 input 'n' to differentiate by, got int32[1].");
    expect(run('q', ['a'])).toThrow("valueAndGradients: expected an output 'q', got y, loss, index.");
    expect(run('y', ['a'])).toThrow('Tape.gradients: expected a scalar float32 to differentiate, got float32[2].');
    expect(run('index', ['a'])).toThrow('got int32[].');
  });
});

describe('Tape', () => {
  it('differentiates by results on the way, too', () => {
    const tape = new Tape(ops);
    const x = tape.variable(float32([2], [1, 2]));
    const y = tape.ops.square(x);
    const [byX, byY] = tape.gradients(tape.ops.sum(tape.ops.mul(y, 3)), [x, y]);
    expect([list(byX), list(byY)]).toEqual([
      [6, 12],
      [3, 3],
    ]);
  });

  it('keeps constants out', () => {
    const tape = new Tape(ops);
    const fixed = tape.variable(float32([], [2]), false);
    const x = tape.variable(float32([], [5]));
    const [byFixed, byX] = tape.gradients(tape.ops.mul(fixed, x), [fixed, x]);
    expect([list(byFixed), list(byX)]).toEqual([[0], [2]]);
  });

  it('differentiates what another tape recorded', () => {
    // d/dx x^4 = 4 x^3, d2/dx2 = 12 x^2, d3/dx3 = 24 x
    const derivative =
      (f: <T>(o: Ops<T>, v: T) => T) =>
      <T>(o: Ops<T>, v: T): T => {
        const tape = new Tape(o);
        const x = tape.variable(v);
        return tape.gradients(f(tape.ops, x), [x])[0] as T;
      };
    const third = derivative(derivative(derivative((o, v) => o.square(o.square(v)))));
    expect(list(third(ops, float32([], [1.5])))).toEqual([36]);
  });
});

describe('recompute', () => {
  /** Counts what is computed. */
  function counting(): { ops: Ops<HostTensor>; applied: string[] } {
    const applied: string[] = [];
    const backend: Backend<HostTensor> = {
      typeOf: ops.typeOf,
      constant: ops.constant,
      apply: (primitive, inputs, attributes) => {
        applied.push(primitive);
        return ops.apply(primitive, inputs, attributes);
      },
    };
    return { ops: createOps(backend), applied };
  }

  const layer: TensorFunction = (o, { x, w, mask }) => {
    const h = o.tanh(o.matmul(x as NonNullable<typeof x>, w as NonNullable<typeof w>));
    const y = o.select(mask as NonNullable<typeof mask>, o.exp(h), h);
    return { y, also: y, sum: o.sum(o.square(h)), x: x as NonNullable<typeof x> };
  };
  /** Two layers and a loss that uses every output, with the layers recomputed or not. */
  const network =
    (again: boolean): TensorFunction =>
    (o, { x, w, mask }) => {
      const run = <T>(inner: Ops<T>, inputs: Tensors<T>) =>
        again ? inner.recompute(layer, inputs) : layer(inner, inputs);
      const named = (tensors: typeof first, name: string) => tensors[name] as NonNullable<typeof x>;
      const first = run(o, { x: o.mul(x as NonNullable<typeof x>, 2), w, mask } as Tensors<NonNullable<typeof x>>);
      const second = run(o, { x: named(first, 'y'), w, mask } as Tensors<NonNullable<typeof x>>);
      const parts = [
        named(first, 'sum'),
        named(second, 'sum'),
        o.sum(named(second, 'also')),
        o.sum(named(second, 'y')),
      ];
      const loss = parts.reduce((sum, part) => o.add(sum, part), o.sum(o.square(named(second, 'x'))));
      return { loss, y: named(second, 'y') };
    };
  const inputs = {
    x: float32([2, 2], [0.1, -0.2, 0.3, 0.4]),
    w: float32([2, 2], [0.5, -1, 0.25, 0.75]),
    mask: hostTensor('bool', [2, 2], [1, 0, 0, 1]),
  };
  const options = { of: 'loss', by: ['x', 'w'] };

  it('gives the gradients of the function that is called plainly', () => {
    expect(valueAndGradients(ops, network(true), inputs, options)).toEqual(
      valueAndGradients(ops, network(false), inputs, options),
    );
  });

  it('gives second derivatives', () => {
    const twice =
      (again: boolean): TensorFunction =>
      (o, tensors) => {
        const { gradients } = valueAndGradients(o, network(again), tensors, options);
        return { loss: o.sum(o.square(named(gradients, 'x'))) };
      };
    const gradientsOf = (again: boolean) => list(valueAndGradients(ops, twice(again), inputs, options).gradients.w);
    const expected = gradientsOf(false);
    const ratios = gradientsOf(true).map((value, i) => value / (expected[i] as number));
    for (const ratio of ratios) expect(ratio).toBeCloseTo(1, 6);
  });

  it('computes the function again in the backward pass, and not otherwise', () => {
    const tanhs = (again: boolean) => {
      const { ops: counted, applied } = counting();
      valueAndGradients(counted, network(again), inputs, options);
      return applied.filter((primitive) => primitive === 'tanh').length;
    };
    expect([tanhs(false), tanhs(true)]).toEqual([2, 4]);
    const { ops: counted, applied } = counting();
    network(true)(counted, inputs);
    expect(applied.filter((primitive) => primitive === 'tanh')).toHaveLength(2);
  });

  it('adds the gradients of a tensor that is read under two names', () => {
    const product: TensorFunction = (o, { x }) => {
      const h = o.exp(x as NonNullable<typeof x>);
      const { y } = o.recompute((inner, { a, b }) => ({ y: inner.mul(a as never, b as never) }), { a: h, b: h });
      return { loss: o.sum(y as NonNullable<typeof x>) };
    };
    const { gradients } = valueAndGradients(ops, product, inputs, { of: 'loss', by: ['x'] });
    const expected = list(inputs.x).map((value) => 2 * Math.exp(2 * value));
    list(gradients.x).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 5);
    });
  });

  it('gives no gradient to what it does not depend on', () => {
    const constant: TensorFunction = (o, { x, w }) => ({
      loss: o.sum(
        named(
          o.recompute((inner, { x: v }) => ({ y: inner.square(v as never) }), { x, w } as never),
          'y',
        ),
      ),
    });
    const { gradients } = valueAndGradients(ops, constant, inputs, options);
    expect(list(gradients.w)).toEqual([0, 0, 0, 0]);
    expect(list(gradients.x)).toEqual(list(inputs.x).map((value) => Math.fround(2 * value)));
  });
});
