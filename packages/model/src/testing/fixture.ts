import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readCheckpoint, readSafetensors } from '@dpar/io/node';
import type { HostTensor, Tensors } from '@dpar/tensor';

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
