import { DparError, float32, type HostTensor, type HostTensorOf, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { addScaled, moveAverage, sumOfSquares } from './kernels.js';

/** Data of a tensor. @throws DparError if it is missing or not float32. */
export function float32Data(caller: string, name: string, tensor: HostTensor | undefined): Float32Array {
  if (tensor?.dtype === 'float32') return (tensor as HostTensorOf<'float32'>).data;
  throw new DparError(`${caller}: expected a float32 tensor for '${name}', got ${tensor?.dtype ?? 'none'}.`);
}

/**
 * Data of the tensor `name`, which must have `length` elements.
 * @param title Name of such a tensor in messages: 'a gradient'.
 * @throws DparError if the tensor is missing, not float32 or of another size.
 */
export function matchingData(
  caller: string,
  title: string,
  tensors: Tensors<HostTensor>,
  name: string,
  length: number,
): Float32Array {
  const data = float32Data(caller, name, tensors[name]);
  if (data.length === length) return data;
  throw new DparError(`${caller}: expected ${title} of ${length} elements for '${name}', got ${data.length}.`);
}

/** Data of each tensor of `targets` with the data of its partner. @throws DparError as {@link matchingData}. */
function matchingPairs(
  caller: string,
  title: string,
  targets: Tensors<HostTensor>,
  partners: Tensors<HostTensor>,
): (readonly [Float32Array, Float32Array])[] {
  return Object.entries(targets).map(([name, tensor]) => {
    const data = float32Data(caller, name, tensor);
    return [data, matchingData(caller, title, partners, name, data.length)];
  });
}

/**
 * Adds gradients to a sum, in place: sum = sum + scale * gradient. With scale 1 / n, n equal parts of a batch give the
 * mean of the whole batch.
 * @param sum float32; starts at zero.
 * @param gradients A tensor of the same size for each tensor of the sum.
 * @throws DparError if a gradient is missing, not float32 or of another size; the sum is then unchanged.
 */
export function accumulateGradients(sum: Tensors<HostTensor>, gradients: Tensors<HostTensor>, scale = 1): void {
  checkArguments(
    'accumulateGradients',
    { sum, gradients, scale },
    { sum: 'object', gradients: 'object', 'scale?': 'number' },
  );
  const pairs = matchingPairs('accumulateGradients', 'a gradient', sum, gradients);
  for (const [data, gradient] of pairs) addScaled(data, gradient, scale);
}

/**
 * Euclidean norm of all elements of all tensors, summed in double precision.
 * @throws DparError if a tensor is not float32.
 */
export function globalNorm(tensors: Tensors<HostTensor>): number {
  checkArguments('globalNorm', { tensors }, { tensors: 'object' });

  let total = 0;
  for (const [name, tensor] of Object.entries(tensors)) total += sumOfSquares(float32Data('globalNorm', name, tensor));
  return Math.sqrt(total);
}

/**
 * Factor that clips the global norm of gradients, as in `torch.nn.utils.clip_grad_norm_`:
 * maxNorm / (norm + 1e-6), at most 1.
 */
export function clipFactor(norm: number, maxNorm: number): number {
  checkArguments('clipFactor', { norm, maxNorm }, { norm: 'number | NaN', maxNorm: 'number' });

  return Math.min(1, maxNorm / (norm + 1e-6));
}

/** Copies parameters: the start of a moving average. */
export function copyParameters(parameters: Tensors<HostTensor>): Record<string, HostTensor> {
  checkArguments('copyParameters', { parameters }, { parameters: 'object' });

  return Object.fromEntries(
    Object.entries(parameters).map(([name, { shape, data }]) => [name, float32(shape, new Float32Array(data))]),
  );
}

/**
 * Exponential moving average of parameters, in place: average = decay * average + (1 - decay) * parameter.
 * @throws DparError if a parameter is missing, not float32 or of another size; the average is then unchanged.
 */
export function updateAverage(average: Tensors<HostTensor>, parameters: Tensors<HostTensor>, decay: number): void {
  checkArguments(
    'updateAverage',
    { average, parameters, decay },
    { average: 'object', parameters: 'object', decay: 'number' },
  );
  const rate = averageRate('updateAverage', decay);
  const pairs = matchingPairs('updateAverage', 'a parameter', average, parameters);
  for (const [data, parameter] of pairs) moveAverage(data, parameter, rate);
}

/** Weight of the parameter in its new average: 1 - decay. @throws DparError if the decay is outside [0, 1]. */
export function averageRate(caller: string, decay: number): number {
  if (decay >= 0 && decay <= 1) return 1 - decay;
  throw new DparError(`${caller}: expected a decay of the average from 0 to 1, got ${decay}.`);
}
