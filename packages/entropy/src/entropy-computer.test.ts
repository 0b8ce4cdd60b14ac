import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readCheckpoint, readSafetensors } from '@dpar/io/node';
import { modelOf } from '@dpar/nn';
import { createReferenceEngine, float32, type HostTensorOf, int32, named } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { createEntropyComputer } from './entropy-computer.js';
import { entropyKind } from './model.js';

it('computes the entropies that PyTorch does, for sets that the batch size does not divide', async () => {
  const { config, parameters } = await readCheckpoint(fixturePath('entropy-model'));
  const io = toHostTensors((await readSafetensors(fixturePath('entropy-model/io.safetensors'))).tensors);
  const tokens = named(io, 'tokens') as HostTensorOf<'int32'>;
  const expected = named(io, 'entropies');
  const [images = 0, T = 0] = tokens.shape;
  const computer = createEntropyComputer(createReferenceEngine(), modelOf(entropyKind, config, parameters), images + 1);
  for (const count of [images, 1]) {
    const part = await computer.run(int32([count, T], tokens.data.slice(0, count * T)));
    expect(part.shape).toEqual([count, T - 1]);
    for (const [i, entropy] of part.data.entries()) expect(entropy).toBeCloseTo(expected.data[i] ?? Number.NaN, 4);
  }
  await expect(computer.run(float32([1, T]) as never)).rejects.toThrow(`got float32[1, ${T}]`);
  const stopped = { signal: AbortSignal.abort(new Error('stopped')) };
  await expect(computer.run(tokens, stopped)).rejects.toThrow('stopped');
  await computer.dispose();
});
