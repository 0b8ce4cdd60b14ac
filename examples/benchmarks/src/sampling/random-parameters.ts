import type { ParameterSpecs } from '@dpar/nn';
import { createRandom, type HostTensor, hostTensor } from '@dpar/tensor';

/** Number of random numbers: a prime, so that no two rows of a matrix are equal. */
const period = 1_000_003;

/**
 * Initialised parameters from random numbers that repeat, in a tenth of the usual time.
 * @param outputStd Standard deviation of the output layer, which would otherwise be zero.
 */
export function randomParameters(specs: ParameterSpecs, seed: number, outputStd: number): Record<string, HostTensor> {
  const noise = createRandom(seed).fillNormal(new Float32Array(period));
  let next = 0;
  const parameters = Object.entries(specs).map(([name, { shape, initializer }]): [string, HostTensor] => {
    const tensor = hostTensor('float32', shape);
    const { data } = tensor;
    const std = name === 'output.weight' ? outputStd : 'std' in initializer ? initializer.std : 0;
    if (initializer.kind === 'ones') data.fill(1);
    for (let i = 0; std > 0 && i < data.length; i++) {
      data[i] = std * (noise[next] as number);
      next = next + 1 === period ? 0 : next + 1;
    }
    return [name, tensor];
  });
  return Object.fromEntries(parameters);
}
