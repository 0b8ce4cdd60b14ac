import {
  type GradientOptions,
  named,
  type Ops,
  type TensorFunction,
  type Tensors,
  valueAndGradients,
} from '@dpar/tensor';

/** Name of the scale of the loss among the inputs of a step: float32 [], a power of two. */
export const lossScaleName = 'lossScale';

/** Name of the scaled loss in the function that is differentiated. */
const scaledLoss = 'scaledLoss';

/**
 * As `valueAndGradients`. With `lossScale` among the inputs, the backward pass starts from the output times that scale, and the
 * gradients are divided by it. Gradients that float16 would round to zero then keep their digits. Powers of two change no bits
 * in float32.
 */
export function scaledGradients<T>(
  ops: Ops<T>,
  fn: TensorFunction,
  inputs: Tensors<T>,
  { of, by }: GradientOptions,
): { outputs: Tensors<T>; gradients: Tensors<T> } {
  if (!Object.hasOwn(inputs, lossScaleName)) return valueAndGradients(ops, fn, inputs, { of, by });
  const scaled: TensorFunction = (tapeOps, tensors) => {
    const outputs = fn(tapeOps, tensors);
    return { ...outputs, [scaledLoss]: tapeOps.mul(named(outputs, of), named(tensors, lossScaleName)) };
  };
  const results = valueAndGradients(ops, scaled, inputs, { of: scaledLoss, by });
  const factor = ops.reciprocal(named(inputs, lossScaleName));
  const gradients = Object.entries(results.gradients).map(([name, value]) => [name, ops.mul(value, factor)] as const);
  return { outputs: results.outputs, gradients: Object.fromEntries(gradients) };
}
