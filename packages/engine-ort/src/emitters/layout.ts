import { type Emitters, inputOf, names } from './emitter.js';

type Layout = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad';

/** An end of slices beyond any axis of open size. It is below the sizes that stand for these. */
const toTheEnd = 999_999;

/** Emitters of primitives that move elements without looking at them. */
export const layoutEmitters: Emitters<Layout> = {
  reshape: ({ build, inputs, output }) => {
    const { name, type } = inputOf(inputs, 0);
    return build.reshape(name, output.shape, type.shape);
  },
  transpose: ({ build, inputs, attributes: { permutation } }) =>
    build.apply('Transpose', names(inputs), { perm: { ints: permutation } }),
  broadcast: ({ build, inputs, output }) => {
    const { name, type } = inputOf(inputs, 0);
    const added = output.shape.length - type.shape.length;
    // An axis of size 1 leaves that of the input as it is.
    const sizes = output.shape.map((size, axis) => (type.shape[axis - added] === size ? 1 : size));
    return build.apply('Expand', [name, build.int64(sizes)]);
  },
  concat: ({ build, inputs, attributes: { axis } }) => build.apply('Concat', names(inputs), { axis: { int: axis } }),
  slice: ({ build, inputs, attributes: { axis, start, size } }) => {
    const { name, type } = inputOf(inputs, 0);
    const length = type.shape[axis] ?? 0;
    // Along an axis of open size, what is far from the start is counted from the end.
    const place = (position: number): number => (build.dynamic.isOpen(position) ? position - length : position);
    const end = build.dynamic.isOpen(length) && start + size === length ? toTheEnd : place(start + size);
    return build.apply('Slice', [name, build.int64([place(start)]), build.int64([end]), build.int64([axis])]);
  },
  pad: ({ build, inputs, attributes: { axis, before, after }, output }) => {
    const rank = output.shape.length;
    const amounts = new Array<number>(2 * rank).fill(0);
    amounts[axis] = before;
    amounts[rank + axis] = after;
    const zero = output.dtype === 'int32' ? build.int(0) : build.float(0);
    return build.apply('Pad', [inputOf(inputs, 0).name, build.int64(amounts), zero]);
  },
};
