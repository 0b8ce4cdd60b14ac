import type { ParameterSpecs } from '@dpar/nn';
import { createRandom, type HostTensor, hostTensor } from '@dpar/tensor';

/** Random numbers that are drawn; a prime, so that no two rows of a matrix are the same. */
const period = 1_000_003;

/**
 * Parameters as they are initialised, of random numbers that repeat, which takes a tenth of the time for models of this
 * size.
 * @param outputStd Standard deviation of the output layer, which would otherwise start at zero: all tokens alike.
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
