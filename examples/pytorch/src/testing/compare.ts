import { type HostTensor, sameShape } from '@dpar/tensor';

/** Largest difference of two tensors, as a share of the largest magnitude of the expected one; infinite for a NaN. */
export function relativeDifference(actual: HostTensor, expected: HostTensor): number {
  if (!sameShape(actual.shape, expected.shape)) {
    throw new Error(`relativeDifference: expected [${expected.shape.join(', ')}], got [${actual.shape.join(', ')}].`);
  }
  let [difference, magnitude] = [0, 0];
  expected.data.forEach((value, i) => {
    const apart = Math.abs((actual.data[i] as number) - value);
    difference = Math.max(difference, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart);
    magnitude = Math.max(magnitude, Math.abs(value));
  });
  return difference / magnitude;
}
