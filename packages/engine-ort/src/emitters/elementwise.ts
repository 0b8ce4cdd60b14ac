import { type ElementwisePrimitive, type Primitive, sameShape } from '@dpar/tensor';
import { knownScalar } from '../graph/node.js';
import { microsoft } from '../onnx/builder.js';
import type { ElementType } from '../onnx/model.js';
import { elementTypes } from '../onnx/writer.js';
import { type Emission, type Emitter, type Emitters, names } from './emitter.js';
import { addToScattered, subtractFromScattered } from './indexing.js';

/** Emitter of a primitive that is a single operator. */
function operator<P extends Primitive>(opType: string): Emitter<P> {
  return ({ build, inputs }) => build.apply(opType, names(inputs));
}

/** Converts x to another element type. */
export function cast({ build }: Pick<Emission<Primitive>, 'build'>, x: string, to: ElementType): string {
  return build.apply('Cast', [x], { to: { int: elementTypes[to] } });
}

/** Emits max(x, 0), which ONNX Runtime fuses with the convolution before it. Undefined for another maximum. */
function rectified({ build, inputs: [a, b], output }: Emission<'maximum'>): string | undefined {
  if (output.dtype !== 'float32') return undefined;
  const x = knownScalar(a.node) === 0 ? b : knownScalar(b.node) === 0 ? a : undefined;
  return x && sameShape(x.type.shape, output.shape) ? build.apply('Relu', [x.name]) : undefined;
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
  erf: operator('Erf'),
  sigmoid: operator('Sigmoid'),
  silu: ({ build, inputs: [{ name, node }], applies }) => {
    // QuickGelu is x sigmoid(alpha x) in one pass. A sigmoid that the gradient needs anyway is shared.
    return build.portable || applies('sigmoid', node)
      ? build.apply('Mul', [name, build.apply('Sigmoid', [name])])
      : build.apply('QuickGelu', [name], { alpha: { float: 1 } }, microsoft);
  },
  not: operator('Not'),
  cast: (emission) => cast(emission, emission.inputs[0].name, emission.attributes.dtype),
  add: (emission) => {
    const [a, b] = emission.inputs;
    const scattered = addToScattered(emission, a, b) ?? addToScattered(emission, b, a);
    return scattered ?? emission.build.apply('Add', names(emission.inputs));
  },
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
