import { type Emitters, inputOf, names } from './emitter.js';

type Layout = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad';

/** Emitters of primitives that move elements without looking at them. */
export const layoutEmitters: Emitters<Layout> = {
  reshape: ({ build, inputs, output }) => build.reshape(inputOf(inputs, 0).name, output.shape),
  transpose: ({ build, inputs, attributes: { permutation } }) =>
    build.apply('Transpose', names(inputs), { perm: { ints: permutation } }),
  broadcast: ({ build, inputs, output }) => build.apply('Expand', [inputOf(inputs, 0).name, build.int64(output.shape)]),
  concat: ({ build, inputs, attributes: { axis } }) => build.apply('Concat', names(inputs), { axis: { int: axis } }),
  slice: ({ build, inputs, attributes: { axis, start, size } }) =>
    build.apply('Slice', [
      inputOf(inputs, 0).name,
      build.int64([start]),
      build.int64([start + size]),
      build.int64([axis]),
    ]),
  pad: ({ build, inputs, attributes: { axis, before, after }, output }) => {
    const rank = output.shape.length;
    const amounts = new Array<number>(2 * rank).fill(0);
    amounts[axis] = before;
    amounts[rank + axis] = after;
    const zero = output.dtype === 'int32' ? build.int(0) : build.float(0);
    return build.apply('Pad', [inputOf(inputs, 0).name, build.int64(amounts), zero]);
  },
};
