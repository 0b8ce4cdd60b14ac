import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readCheckpoint, readSafetensors } from '@dpar/io/node';
import { imageModelKinds } from '@dpar/model';
import { kindOfConfig, modelOf } from '@dpar/nn';
import { type HostTensor, type HostTensorOf, named, type Tensors } from '@dpar/tensor';
import type { Batch } from '../batches/token-set.js';

/** A model fixture: config.json, parameters and the batch that they were run on. */
export async function readModelFixture(name: string) {
  const { config, parameters } = await readCheckpoint(fixturePath(name));
  const io = await readTensors(`${name}/io.safetensors`);
  const tokens = named(io, 'tokens') as HostTensorOf<'int32'>;
  const labels = (io.labels ?? {
    ...tokens,
    shape: [tokens.shape[0] ?? 0],
    data: new Int32Array(tokens.shape[0] ?? 0),
  }) as HostTensorOf<'int32'>;
  const lengths = io.patch_lengths as HostTensorOf<'int32'> | undefined;
  const images = Int32Array.from({ length: tokens.shape[0] ?? 0 }, (_, i) => i);
  const batch: Batch = { images, tokens, labels, ...(lengths && { patchLengths: lengths }) };
  const model = modelOf(kindOfConfig('readModelFixture', imageModelKinds, config), config, parameters);
  return { config, model, parameters, io, batch };
}

/** The tensors of a safetensors fixture. */
export async function readTensors(path: string): Promise<Tensors<HostTensor>> {
  return toHostTensors((await readSafetensors(fixturePath(path))).tensors);
}
