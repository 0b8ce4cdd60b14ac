import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readCheckpoint, readSafetensors } from '@dpar/io/node';
import { DparError, type HostTensor, sameShape, type Tensors } from '@dpar/tensor';

/** A model of the reference vectors: its weights, its inputs and outputs, and its gradients. */
export interface ModelFixture {
  readonly config: Readonly<Record<string, unknown>>;
  readonly parameters: Tensors<HostTensor>;
  readonly io: Tensors<HostTensor>;
  /** Named as the parameters. */
  readonly gradients: Tensors<HostTensor>;
}

export async function loadFixture(name: string): Promise<ModelFixture> {
  const { config, parameters } = await readCheckpoint(fixturePath(name));
  const io = toHostTensors((await readSafetensors(fixturePath(`${name}/io.safetensors`))).tensors);
  const stored = toHostTensors((await readSafetensors(fixturePath(`${name}/grads.safetensors`))).tensors);
  const gradients = Object.fromEntries(
    Object.entries(stored).flatMap(([key, value]) => (key.startsWith('grad.') ? [[key.slice(5), value]] : [])),
  );
  return { config, parameters, io, gradients };
}

/** Largest difference of two tensors, as a share of the largest magnitude of the expected one. */
export function relativeError(actual: HostTensor, expected: HostTensor): number {
  if (!sameShape(actual.shape, expected.shape)) {
    throw new DparError(`relativeError: expected [${expected.shape.join(', ')}], got [${actual.shape.join(', ')}].`);
  }
  return largestDifference(actual.data, expected.data) / Math.max(...expected.data.map(Math.abs));
}

/** Largest difference of two sequences; infinite if one holds a NaN. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}
