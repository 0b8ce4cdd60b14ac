import { type AttributesOf, type Backend, createOps, type Ops, type Primitive, type TensorType } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { copyToTfjs, typeOf } from './host-tensor.js';
import { kernels } from './kernels/index.js';
import type { Kernel, KernelContext } from './kernels/kernel.js';
import type { Tfjs, TfjsNamespace, TfjsTensor } from './tfjs.js';
import { tfjsNamespaceKinds } from './tfjs.js';

/** Applies a primitive; all that it makes but the result is disposed. */
export function applyKernel<P extends Primitive>(
  context: KernelContext,
  primitive: P,
  inputs: readonly TfjsTensor[],
  attributes: AttributesOf<P>,
  output: TensorType,
): TfjsTensor {
  const kernel: Kernel<P> = kernels[primitive];
  return context.tf.tidy(() => {
    const result = kernel(context, inputs, attributes, output);
    // A tensor of its own, so that each is disposed by whoever made it.
    return inputs.includes(result) ? context.tf.reshape(result, result.shape) : result;
  });
}

/**
 * The tensor interface run eagerly by a TensorFlow.js namespace on its current backend. Handles are tensors of that
 * namespace, which `tf.tidy` and `dispose` free as any other.
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
