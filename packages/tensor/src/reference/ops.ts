import type { Backend } from '../backend.js';
import { createOps } from '../create-ops.js';
import type { Ops } from '../ops.js';
import type { AttributesOf, InputsOf, Primitive } from '../primitives.js';
import { arrayTypes, type HostTensor, sizeOf, type TensorType } from '../types.js';
import { elementwiseKernels } from './elementwise.js';
import { imageKernels } from './images.js';
import { indexingKernels } from './indexing.js';
import type { Kernel, Kernels, ReferenceTensor } from './kernel.js';
import { layoutKernels } from './layout.js';
import { productKernels } from './products.js';
import { reductionKernels } from './reductions.js';

/** Reference kernel of every primitive. */
const kernels: Kernels<Primitive> = {
  ...elementwiseKernels,
  ...layoutKernels,
  ...indexingKernels,
  ...reductionKernels,
  ...productKernels,
  ...imageKernels,
};

function referenceBackend(Floats: typeof Float32Array | typeof Float64Array): Backend<ReferenceTensor> {
  const arrays = { ...arrayTypes, float32: Floats };
  const zeros = ({ dtype, shape }: TensorType): ReferenceTensor => ({
    dtype,
    shape,
    data: new arrays[dtype](sizeOf(shape)),
  });
  return {
    typeOf: (x) => x,
    constant: (value) => value,
    apply: <P extends Primitive>(
      primitive: P,
      inputs: readonly ReferenceTensor[],
      attributes: AttributesOf<P>,
      type: TensorType,
    ) => {
      const output = zeros(type);
      const kernel: Kernel<P> = kernels[primitive];
      kernel(inputs as InputsOf<P, ReferenceTensor>, attributes, output);
      return output;
    },
  };
}

/**
 * Tensor interface over typed arrays, in plain loops that accumulate in float64. Other implementations are checked
 * against it. An index out of range throws a DparError.
 */
export const referenceOps = createOps(referenceBackend(Float32Array)) as Ops<HostTensor>;

/**
 * {@link referenceOps} with replaced matrices in products x W^T.
 * @param replacement Returns the matrix to multiply with in place of W; may return W itself.
 */
export function opsWithMatrices(replacement: (matrix: ReferenceTensor) => ReferenceTensor): Ops<HostTensor> {
  const backend = referenceBackend(Float32Array);
  return createOps<ReferenceTensor>({
    ...backend,
    apply: (primitive, inputs, attributes, type) => {
      const [a, b] = inputs;
      const linear = primitive === 'matmul' && a && b && (attributes as AttributesOf<'matmul'>).transposeB;
      return backend.apply(primitive, linear ? [a, replacement(b)] : inputs, attributes, type);
    },
  }) as Ops<HostTensor>;
}

/** {@link referenceOps} with floats in double precision, to check gradients by finite differences. */
export const doublePrecisionOps: Ops<ReferenceTensor> = createOps(referenceBackend(Float64Array));
