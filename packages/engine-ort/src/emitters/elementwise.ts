import { type DType, type ElementwisePrimitive, type Primitive, sameShape } from '@dpar/tensor';
import { knownScalar } from '../graph/node.js';
import { microsoft } from '../onnx/builder.js';
import { type Emission, type Emitter, type Emitters, inputOf, names } from './emitter.js';
import { addToScattered, subtractFromScattered } from './indexing.js';

/** A primitive that is one operator. */
function operator<P extends Primitive>(opType: string): Emitter<P> {
  return ({ build, inputs }) => build.apply(opType, names(inputs));
}

const elementTypes: Readonly<Record<DType, number>> = { float32: 1, int32: 6, bool: 9 };

/** x as another element type. */
export function cast({ build }: Pick<Emission<Primitive>, 'build'>, x: string, to: DType | 'int64'): string {
  return build.apply('Cast', [x], { to: { int: to === 'int64' ? 7 : elementTypes[to] } });
}

/** max(x, 0), which ONNX Runtime makes part of the convolution before it. */
function rectified({ build, inputs, output }: Emission<'maximum'>): string | undefined {
  if (output.dtype !== 'float32') return undefined;
  const zero = inputs.findIndex(({ node }) => knownScalar(node) === 0);
  const x = inputs[1 - zero];
  return zero >= 0 && x && sameShape(x.type.shape, output.shape) ? build.apply('Relu', [x.name]) : undefined;
}

/** Emitters of elementwise primitives. */
export const elementwiseEmitters: Emitters<ElementwisePrimitive> = {
  neg: operator('Neg'),
  abs: operator('Abs'),
  exp: operator('Exp'),
  log: operator('Log'),
  sqrt: operator('Sqrt'),
  reciprocal: operator('Reciprocal'),
  sin: operator('Sin'),
  cos: operator('Cos'),
  tanh: operator('Tanh'),
  sigmoid: operator('Sigmoid'),
  silu: ({ build, inputs, applies }) => {
    const { name, node } = inputOf(inputs, 0);
    // QuickGelu is x sigmoid(alpha x) in one pass. Where the sigmoid is needed anyway, for the gradient, it is shared.
    return build.portable || applies('sigmoid', node)
      ? build.apply('Mul', [name, build.apply('Sigmoid', [name])])
      : build.apply('QuickGelu', [name], { alpha: { float: 1 } }, microsoft);
  },
  not: operator('Not'),
  cast: (emission) => cast(emission, inputOf(emission.inputs, 0).name, emission.attributes.dtype),
  add: (emission) =>
    addToScattered(emission, inputOf(emission.inputs, 0), inputOf(emission.inputs, 1)) ??
    addToScattered(emission, inputOf(emission.inputs, 1), inputOf(emission.inputs, 0)) ??
    emission.build.apply('Add', names(emission.inputs)),
  sub: (emission) => subtractFromScattered(emission) ?? emission.build.apply('Sub', names(emission.inputs)),
  mul: operator('Mul'),
  div: operator('Div'),
  maximum: (emission) => rectified(emission) ?? emission.build.apply('Max', names(emission.inputs)),
  minimum: operator('Min'),
  equal: operator('Equal'),
  less: operator('Less'),
  lessEqual: operator('LessOrEqual'),
  and: operator('And'),
  or: operator('Or'),
  select: ({ build, inputs, output }) => {
    const [condition = '', whenTrue = '', whenFalse = ''] = names(inputs);
    if (output.dtype !== 'bool') return build.apply('Where', [condition, whenTrue, whenFalse]);
    // ONNX Runtime's Where has no kernel for bool.
    const chosen = build.apply('And', [condition, whenTrue]);
    return build.apply('Or', [chosen, build.apply('And', [build.apply('Not', [condition]), whenFalse])]);
  },
};
