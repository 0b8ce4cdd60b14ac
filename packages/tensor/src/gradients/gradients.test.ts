import { describe, expect, it } from 'vitest';
import { primitiveCases } from '../conformance/cases.js';
import { compositions } from '../conformance/compositions.js';
import { applicationOf, gradientOf, inputName, lossOf } from '../conformance/functions.js';
import type { TensorFunction } from '../ops.js';
import type { Primitive } from '../primitives.js';
import type { ReferenceTensor } from '../reference/kernel.js';
import { doublePrecisionOps as ops } from '../reference/ops.js';
import type { Tensors } from '../types.js';

type Values = Tensors<ReferenceTensor>;

/** Inputs in double precision, so that small steps and their effects keep their digits. */
function toDouble(inputs: Values): Values {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, x]) => [
      name,
      x.dtype === 'float32' ? { ...x, data: Float64Array.from(x.data) } : x,
    ]),
  );
}

/** The loss with one element of one input moved. */
function lossAt(fn: TensorFunction, inputs: Values, name: string, place: number, step: number): number {
  const x = inputs[name] as ReferenceTensor;
  const data = x.data.slice();
  data[place]! += step;
  return lossOf(fn)(ops, { ...inputs, [name]: { ...x, data } }).loss!.data[0]!;
}

/** Central difference of fourth order: the error is of the order of step^4. */
function derivative(fn: TensorFunction, inputs: Values, name: string, place: number): number {
  const step = 1e-3;
  const difference = (n: number) =>
    (lossAt(fn, inputs, name, place, n * step) - lossAt(fn, inputs, name, place, -n * step)) / (2 * n * step);
  return (4 * difference(1) - difference(2)) / 3;
}

/** Compares the gradients by the tape with finite differences, element by element. */
function expectGradients(fn: TensorFunction, given: Values, by: readonly string[]) {
  const inputs = toDouble(given);
  const gradients = gradientOf(fn, by)(ops, inputs);
  expect(Object.keys(gradients)).toEqual(by);
  for (const name of by) {
    const [x, gradient] = [inputs[name]!, gradients[name]!];
    expect(gradient.shape).toEqual(x.shape);
    gradient.data.forEach((value, place) => {
      const expected = derivative(fn, inputs, name, place);
      const error = Math.abs(value - expected);
      if (!(error <= 1e-7 + 1e-6 * Math.abs(expected))) {
        expect.fail(`${name}[${place}]: by finite differences ${expected}, by the tape ${value}`);
      }
    });
  }
}

const cases = (Object.keys(primitiveCases) as Primitive[]).flatMap((primitive) =>
  primitiveCases[primitive].map((primitiveCase, number) => ({
    primitive,
    number,
    fn: applicationOf(primitive, primitiveCase),
    inputs: Object.fromEntries(primitiveCase.inputs.map((x, i) => [inputName(i), x])),
    by: primitiveCase.by.map(inputName),
  })),
);
const differentiable = cases.filter(({ by }) => by.length > 0);

/** Primitives whose result is no float, or that are given no float. */
const withoutGradient: readonly Primitive[] = ['not', 'cast', 'equal', 'less', 'lessEqual', 'and', 'or', 'argMax'];

it('covers every primitive but those without a gradient', () => {
  const covered = new Set<Primitive>([...differentiable.map(({ primitive }) => primitive), ...withoutGradient]);
  expect([...covered].sort()).toEqual(Object.keys(primitiveCases).sort());
});

describe('gradients agree with finite differences', () => {
  it.each(differentiable)('$primitive, case $number', ({ fn, inputs, by }) => expectGradients(fn, inputs, by));

  it.each(compositions.filter(({ name }) => name.startsWith('attention')))('$name', ({ fn, inputs }) =>
    expectGradients(fn, inputs, ['x', 'weight', 'norm']),
  );
});

describe('second derivatives agree with finite differences of the first', () => {
  const elements = (inputs: Values) => Object.values(inputs).reduce((sum, { data }) => sum + data.length, 0);
  it.each(differentiable.filter(({ inputs }) => elements(inputs) <= 24))(
    '$primitive, case $number',
    ({ fn, inputs, by }) => expectGradients(gradientOf(fn, by), inputs, by),
  );
});
