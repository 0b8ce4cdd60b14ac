import { cast } from './elementwise.js';
import type { Emitter, Emitters } from './emitter.js';

type Reduction = 'sum' | 'mean' | 'max' | 'argMax';

function reduction(opType: string): Emitter<'sum' | 'mean' | 'max'> {
  return ({ build, inputs: [x], attributes: { axes } }) =>
    build.apply(opType, [x.name, build.int64(axes)], { keepdims: { int: 1 } });
}

/** Emitters of the reductions. */
export const reductionEmitters: Emitters<Reduction> = {
  sum: reduction('ReduceSum'),
  mean: reduction('ReduceMean'),
  max: reduction('ReduceMax'),
  argMax: (emission) => {
    const { build, inputs } = emission;
    const found = build.apply('ArgMax', [inputs[0].name], { axis: { int: -1 }, keepdims: { int: 0 } });
    return cast(emission, found, 'int32');
  },
};
