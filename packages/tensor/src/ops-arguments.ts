import { formatValue, type KindsOf, type RecordKind } from '@dpar/check';
import type { Backend } from './backend.js';
import { checkArguments } from './check-arguments.js';
import { DparError } from './error.js';
import type { MatmulOptions, Ops, PoolingOptions, ReductionOptions } from './ops.js';
import type { ConvolutionAttributes } from './primitives.js';

const dtype = "'float32' | 'int32' | 'bool'";
const number = 'number | NaN';
const numberOrTensor = 'number | NaN | Tensor';
const x: RecordKind = { x: 'Tensor' };
const a: RecordKind = { a: 'Tensor', b: 'Tensor' };
const arithmetic: RecordKind = { a: numberOrTensor, b: numberOrTensor };

const reductionKinds: KindsOf<ReductionOptions> = { 'axes?': 'number | number[]', 'keepDims?': 'boolean' };
const matmulKinds: KindsOf<MatmulOptions> = {
  'transposeA?': 'boolean',
  'transposeB?': 'boolean',
  'scale?': 'number',
};
const poolingKinds: KindsOf<PoolingOptions> = { kernel: 'number[]', 'stride?': 'number', 'padding?': 'number[]' };
const convolutionKinds: KindsOf<Partial<ConvolutionAttributes>> = { 'stride?': 'number', 'padding?': 'number[]' };

const reduction: RecordKind = { ...x, 'options?': reductionKinds };
const pooling: RecordKind = { ...x, options: poolingKinds };

/** Kinds of the arguments of each operation, in order. */
const kinds: { readonly [K in keyof Ops<object>]: RecordKind } = {
  typeOf: x,
  shapeOf: x,
  constant: { value: 'HostTensor' },
  scalar: { value: number, 'dtype?': dtype },
  range: { size: 'number' },
  apply: { primitive: 'string', inputs: 'object[]', attributes: 'object' },
  recompute: { fn: 'function', inputs: 'object' },
  neg: x,
  abs: x,
  exp: x,
  log: x,
  sqrt: x,
  reciprocal: x,
  sin: x,
  cos: x,
  tanh: x,
  erf: x,
  sigmoid: x,
  silu: x,
  square: x,
  not: x,
  cast: { ...x, dtype },
  add: arithmetic,
  sub: arithmetic,
  mul: arithmetic,
  div: arithmetic,
  maximum: arithmetic,
  minimum: arithmetic,
  equal: arithmetic,
  less: arithmetic,
  lessEqual: arithmetic,
  and: a,
  or: a,
  select: { condition: 'Tensor', whenTrue: numberOrTensor, whenFalse: numberOrTensor },
  reshape: { ...x, shape: 'number[]' },
  transpose: { ...x, permutation: 'number[]' },
  broadcast: { ...x, shape: 'number[]' },
  concat: { xs: 'Tensor[]', axis: 'number' },
  slice: { ...x, axis: 'number', start: 'number', size: 'number' },
  split: { ...x, axis: 'number', sizes: 'number[]' },
  pad: { ...x, axis: 'number', before: 'number', after: 'number' },
  takeRows: { ...x, indices: 'Tensor' },
  scatterAddRows: { values: 'Tensor', indices: 'Tensor', rows: 'number' },
  takeRowsOnce: { ...x, indices: 'Tensor', inverse: 'Tensor' },
  takeLast: { ...x, indices: 'Tensor' },
  scatterLast: { values: 'Tensor', indices: 'Tensor', size: 'number' },
  sum: reduction,
  mean: reduction,
  max: reduction,
  argMax: x,
  matmul: { ...a, 'options?': matmulKinds },
  softmax: x,
  logSoftmax: x,
  rmsNorm: { ...x, weight: 'Tensor', epsilon: 'number' },
  rotary: { ...x, table: 'Tensor', 'options?': { 'interleaved?': 'boolean' } },
  groupNorm: { ...x, weight: 'Tensor', bias: 'Tensor', options: { groups: 'number', epsilon: 'number' } },
  conv2d: { ...x, weight: 'Tensor', 'options?': convolutionKinds },
  resizeNearest: { ...x, factor: 'number' },
  maxPool2d: pooling,
  averagePool2d: pooling,
};

/** Adds checks to operations: arguments that are missing or of another kind are refused. */
export function withCheckedArguments<T>(ops: Ops<T>, { typeOf }: Pick<Backend<T>, 'typeOf'>): Ops<T> {
  const checked = Object.entries(kinds).map(([name, argumentKinds]) => {
    const operation = ops[name as keyof Ops<T>] as (...given: readonly unknown[]) => unknown;
    const names = Object.keys(argumentKinds).map((argument) => argument.replace('?', ''));
    return [
      name,
      (...given: readonly unknown[]) => {
        const values = Object.fromEntries(names.map((argument, i) => [argument, given[i]]));
        checkArguments(name, values, argumentKinds);
        for (const argument of names) checkTensor(name, argument, values[argument], argumentKinds[argument], typeOf);
        return operation(...given);
      },
    ];
  });
  return Object.fromEntries(checked) as Ops<T>;
}

/** Refuses a value in a tensor's place that is not a tensor of this engine. */
function checkTensor<T>(
  operation: string,
  argument: string,
  value: unknown,
  kind: unknown,
  typeOf: Backend<T>['typeOf'],
): void {
  if (kind === 'Tensor[]') {
    (value as readonly unknown[]).forEach((x, i) => {
      checkTensor(operation, `${argument}[${i}]`, x, 'Tensor', typeOf);
    });
  }
  if ((kind !== 'Tensor' && kind !== numberOrTensor) || typeof value === 'number') return;
  let type: string | undefined;
  try {
    type = typeOf(value as T)?.dtype;
  } catch {
    type = undefined; // A tensor of another engine may make `typeOf` throw.
  }
  if (type !== undefined && dtype.includes(`'${type}'`)) return;
  throw new DparError(
    `${operation}: expected '${argument}' to be a tensor of the engine, got ${formatValue(value)}. Check '${argument}'.`,
  );
}
