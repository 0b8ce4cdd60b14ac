import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath, relativeDifference } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readSafetensors } from '@dpar/io/node';
import { named } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { python, runPython } from './testing/torch.js';

const tensorsOf = async (path: string) => toHostTensors((await readSafetensors(path)).tensors);

describe.skipIf(python === undefined)('models in PyTorch agree with the reference vectors', () => {
  const names = ['dpar-dynamic4d', 'dpar-dynamic3d', 'dpar-rope1d', 'dpar-e2d1-static2', 'llamagen', 'entropy-model'];
  it('patches, logits, loss and all gradients', async () => {
    const folder = await temporaryFolder();
    const path = (name: string) => join(folder, `${name}.safetensors`);
    // One process, since importing PyTorch takes seconds.
    await runPython('src/testing/forward.py', ...names.flatMap((name) => [fixturePath(name), path(name)]));
    for (const name of names) await expectSame(name, path(name));
  });
});

/** Compares a pass with the fixture of that name. */
async function expectSame(name: string, path: string): Promise<void> {
  const outputs = await tensorsOf(path);
  const io = await tensorsOf(fixturePath(`${name}/io.safetensors`));
  const gradients = Object.entries(await tensorsOf(fixturePath(`${name}/grads.safetensors`)));

  if ('patch_lengths' in io) expect(outputs.patch_lengths).toEqual(io.patch_lengths);
  expect(relativeDifference(named(outputs, 'logits'), named(io, 'logits'))).toBeLessThan(1e-5);
  expect(relativeDifference(named(outputs, 'loss'), named(io, 'loss'))).toBeLessThan(1e-6);
  expect(
    gradients
      .map(([key]) => key)
      .filter((key) => key.startsWith('grad.'))
      .sort(),
  ).toEqual(
    Object.keys(outputs)
      .filter((key) => key.startsWith('grad.'))
      .sort(),
  );
  for (const [key, expected] of gradients) {
    if (key.startsWith('grad.')) expect(relativeDifference(named(outputs, key), expected), key).toBeLessThan(1e-5);
  }
}
