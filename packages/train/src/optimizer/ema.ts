import { DparError, float32, type HostTensor, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { float32Data, matchingData } from './float32-data.js';
import { moveAverage } from './kernels.js';

/** A copy of parameters, as which a moving average starts. */
export function copyParameters(parameters: Tensors<HostTensor>): Record<string, HostTensor> {
  checkArguments('copyParameters', { parameters }, { parameters: 'object' });

  return Object.fromEntries(
    Object.entries(parameters).map(([name, { shape, data }]) => [name, float32(shape, new Float32Array(data))]),
  );
}

/**
 * Exponential moving average of parameters, in place: average = decay average + (1 - decay) parameter.
 * @throws DparError if a parameter is missing, not float32 or of another size; nothing has changed then.
 */
export function updateAverage(average: Tensors<HostTensor>, parameters: Tensors<HostTensor>, decay: number): void {
  checkArguments(
    'updateAverage',
    { average, parameters, decay },
    { average: 'object', parameters: 'object', decay: 'number' },
  );

  const rate = averageRate('updateAverage', decay);
  const pairs = Object.entries(average).map(([name, tensor]) => {
    const data = float32Data('updateAverage', name, tensor);
    return [data, matchingData('updateAverage', 'a parameter', parameters, name, data.length)] as const;
  });
  for (const [data, parameter] of pairs) moveAverage(data, parameter, rate);
}

/** How far an average moves towards its parameter: 1 - decay. @throws DparError if the decay is not within [0, 1]. */
export function averageRate(caller: string, decay: number): number {
  if (decay >= 0 && decay <= 1) return 1 - decay;
  throw new DparError(`${caller}: expected a decay of the average from 0 to 1, got ${decay}.`);
}
