import type { ReductionAttributes } from '@dpar/tensor';
import { cast } from './elementwise.js';
import { type Emitter, type Emitters, inputOf } from './emitter.js';

type Reduction = 'sum' | 'mean' | 'max' | 'argMax';

function reduction(opType: string): Emitter<'sum' | 'mean' | 'max'> {
  return ({ build, inputs, attributes }) => reduce(build, opType, inputOf(inputs, 0).name, attributes);
}

function reduce(
  build: Parameters<Emitter<'sum'>>[0]['build'],
  opType: string,
  x: string,
  { axes }: ReductionAttributes,
): string {
  return build.apply(opType, [x, build.int64(axes)], { keepdims: { int: 1 } });
}

/** Emitters of reductions. */
export const reductionEmitters: Emitters<Reduction> = {
  sum: reduction('ReduceSum'),
  mean: reduction('ReduceMean'),
  max: reduction('ReduceMax'),
  argMax: (emission) => {
    const { build, inputs } = emission;
    const found = build.apply('ArgMax', [inputOf(inputs, 0).name], { axis: { int: -1 }, keepdims: { int: 0 } });
    return cast(emission, found, 'int32');
  },
};
