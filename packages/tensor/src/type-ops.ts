import { createOps } from './create-ops.js';
import type { Ops } from './ops.js';
import type { TensorType } from './types.js';

/**
 * The tensor interface over types alone: nothing is computed, so that a function tells for given shapes which shapes it
 * makes, and throws where they do not fit.
 */
export const typeOps: Ops<TensorType> = createOps<TensorType>({
  typeOf: (x) => x,
  constant: ({ dtype, shape }) => ({ dtype, shape }),
  apply: (_primitive, _inputs, _attributes, output) => output,
});
