import { beyondFixedSizes } from '../graph/dynamic-sizes.js';
import { type Emitters, names } from './emitter.js';

type Layout = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad';

/** Emitters of the primitives that move elements. */
export const layoutEmitters: Emitters<Layout> = {
  reshape: ({ build, inputs: [x], output }) => build.reshape(x.name, output.shape, x.type.shape),
  transpose: ({ build, inputs, attributes: { permutation } }) =>
    build.apply('Transpose', names(inputs), { perm: { ints: permutation } }),
  broadcast: ({ build, inputs: [{ name, type }], output }) => {
    const added = output.shape.length - type.shape.length;
    // Expand leaves an axis of the input as it is where the new size is 1.
    const sizes = output.shape.map((size, axis) => (type.shape[axis - added] === size ? 1 : size));
    return build.apply('Expand', [name, build.int64(sizes)]);
  },
  concat: ({ build, inputs, attributes: { axis } }) => build.apply('Concat', names(inputs), { axis: { int: axis } }),
  slice: ({ build, inputs: [{ name, type }], attributes: { axis, start, size } }) => {
    // WebGPU has a kernel for slices of float32 only.
    if (build.webgpu && type.dtype === 'int32') {
      return build.apply('Gather', [name, build.range(size, start)], { axis: { int: axis } });
    }
    const length = type.shape[axis] ?? 0;
    // Along an axis of open size, positions far from the start are counted from the end.
    const place = (position: number): number => (build.dynamic.isOpen(position) ? position - length : position);
    const end = build.dynamic.isOpen(length) && start + size === length ? beyondFixedSizes : place(start + size);
    return build.apply('Slice', [name, build.int64([place(start)]), build.int64([end]), build.int64([axis])]);
  },
  pad: ({ build, inputs: [x], attributes: { axis, before, after }, output, floats }) => {
    const rank = output.shape.length;
    const amounts = new Array<number>(2 * rank).fill(0);
    amounts[axis] = before;
    amounts[rank + axis] = after;
    const zero = output.dtype === 'int32' ? build.int(0) : build.float(0, floats);
    return build.apply('Pad', [x.name, build.int64(amounts), zero]);
  },
};
