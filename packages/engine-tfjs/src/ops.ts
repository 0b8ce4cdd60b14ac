import {
  type AttributesOf,
  type Backend,
  createOps,
  type InputsOf,
  type Ops,
  type Primitive,
  type TensorType,
} from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { copyToTfjs, typeOf } from './host-tensor.js';
import { elementwiseKernels } from './kernels/elementwise.js';
import { imageKernels } from './kernels/images.js';
import { indexingKernels } from './kernels/indexing.js';
import type { Kernel, KernelContext, Kernels } from './kernels/kernel.js';
import { layoutKernels } from './kernels/layout.js';
import { productKernels } from './kernels/products.js';
import { reductionKernels } from './kernels/reductions.js';
import { type Tfjs, type TfjsNamespace, type TfjsTensor, tfjsNamespaceKinds } from './tfjs.js';

/** Kernel of every primitive. */
export const kernels: Kernels<Primitive> = {
  ...elementwiseKernels,
  ...layoutKernels,
  ...indexingKernels,
  ...reductionKernels,
  ...productKernels,
  ...imageKernels,
};

/** Applies a primitive, and disposes all intermediate tensors. */
export function applyKernel<P extends Primitive>(
  context: KernelContext,
  primitive: P,
  inputs: readonly TfjsTensor[],
  attributes: AttributesOf<P>,
  output: TensorType,
): TfjsTensor {
  const kernel: Kernel<P> = kernels[primitive];
  return context.tf.tidy(() => {
    const result = kernel(context, inputs as InputsOf<P, TfjsTensor>, attributes, output);
    // The result is a tensor of its own, so that each tensor is disposed once.
    return inputs.includes(result) ? context.tf.reshape(result, result.shape) : result;
  });
}

/**
 * Tensor interface that a TensorFlow.js namespace runs eagerly on its current backend. Handles are tensors of that
 * namespace, which `tf.tidy` and `dispose` free.
 */
export function tfjsOps<T extends TfjsTensor>(namespace: TfjsNamespace<T>): Ops<T> {
  checkArguments('tfjsOps', { namespace }, { namespace: tfjsNamespaceKinds });

  const tf = namespace as unknown as Tfjs;
  const backend: Backend<TfjsTensor> = {
    typeOf,
    constant: (value) => copyToTfjs(tf, value),
    apply: (primitive, inputs, attributes, output) => {
      const context: KernelContext = { tf, backend: tf.getBackend(), shared: (_, make) => make() };
      return applyKernel(context, primitive, inputs, attributes, output);
    },
  };
  return createOps(backend) as unknown as Ops<T>;
}
