import { readFileSync } from 'node:fs';
import { fixturePath } from '@dpar/fixtures';
import { createRandom } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { IoError } from '../error.js';
import { parsePyTorch } from './reader.js';
import { tensorsIn } from './testing/walk.js';

const cases = 1500;

/** The file with some bytes changed, cut out or put in. */
function mutated(file: Uint8Array, random: ReturnType<typeof createRandom>): Uint8Array {
  let bytes = new Uint8Array(file);
  for (let changes = 1 + random.integer(4); changes > 0; changes--) {
    const at = random.integer(bytes.length);
    const kind = random.integer(8);
    if (kind < 5) bytes[at] = random.integer(256);
    else if (kind === 5) bytes.fill(random.integer(2) * 255, at, at + 1 + random.integer(8));
    else if (kind === 6) bytes = bytes.slice(0, Math.max(at, 1));
    else {
      const piece = file.subarray(at, at + random.integer(64));
      bytes = Uint8Array.from([...bytes.subarray(0, at), ...piece, ...bytes.subarray(at)]);
    }
  }
  return bytes;
}

/** Whether a file was read whole; else it was refused with an error of this package, which must be so. */
async function isRead(bytes: Uint8Array): Promise<boolean> {
  try {
    const file = await parsePyTorch(bytes);
    for (const tensor of tensorsIn(file.value)) {
      const read = await file.read(tensor);
      expect(read.bytes.length).toBeLessThanOrEqual(16 * bytes.length);
    }
    return true;
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    return false;
  }
}

it.each(['values.pt', 'values-legacy.pt', 'values-protocol4.pt'])('reads or refuses any change of %s', async (name) => {
  const file = readFileSync(fixturePath(`torch-pt/${name}`));
  const random = createRandom(7, name.length);
  let read = 0;
  for (let i = 0; i < cases; i++) {
    const bytes = mutated(file, random);
    if (await isRead(bytes).catch((error) => Promise.reject(new Error(`case ${i}: ${error.stack}`)))) read++;
  }
  // Both outcomes occur: changes of data are read, others refused.
  expect(read).toBeGreaterThan(cases / 50);
  expect(read).toBeLessThan(cases * 0.9);
});
