import { DparError, float32, type HostTensor, type Tensors } from '@dpar/tensor';

/** A copy of parameters, as which a moving average starts. */
export function copyParameters(parameters: Tensors<HostTensor>): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { shape, data }]) => [name, float32(shape, new Float32Array(data))]),
  );
}

/**
 * Exponential moving average of parameters, in place: average = decay average + (1 - decay) parameter.
 * @throws DparError if a parameter is missing or of another size.
 */
export function updateAverage(average: Tensors<HostTensor>, parameters: Tensors<HostTensor>, decay: number): void {
  for (const [name, { data }] of Object.entries(average)) {
    const source = parameters[name]?.data;
    if (source?.length !== data.length) {
      throw new DparError(
        `updateAverage: expected a parameter '${name}' of ${data.length} elements, got ${source?.length ?? 'none'}.`,
      );
    }
    for (let i = 0; i < data.length; i++) {
      const before = data[i] as number;
      data[i] = before + (1 - decay) * ((source[i] as number) - before);
    }
  }
}
