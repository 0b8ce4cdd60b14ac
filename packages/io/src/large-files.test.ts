import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { int32 } from '@dpar/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatNpy, formatNpyHeader } from './npy.js';
import { openNpy } from './npy-file.js';
import { openNpz } from './npz-file.js';
import { PickleWriter } from './pytorch/pickle-writer.js';
import { PyTorchStorage, PyTorchTensor } from './pytorch/values.js';
import { openPyTorch } from './pytorch-file.js';
import { formatSafetensors } from './safetensors.js';
import { openSafetensors } from './safetensors-file.js';
import { formatHeader } from './safetensors-header.js';
import { formatSafetensorsIndex } from './safetensors-index.js';
import { writeSparseZip } from './testing/sparse-zip.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-large-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const large = 5 * 2 ** 30;
const last = Int32Array.of(11, -12);
const lastBytes = new Uint8Array(last.buffer);

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<number[]> {
  const bytes: number[] = [];
  for await (const piece of pieces) bytes.push(...piece);
  return bytes;
}

/** Writes parts of a file, and zeros between them that take no room. */
async function writeSparse(
  path: string,
  parts: readonly (readonly [position: number, bytes: Uint8Array])[],
): Promise<void> {
  const handle = await open(path, 'w');
  for (const [position, bytes] of parts) await handle.write(bytes, 0, bytes.length, position);
  await handle.close();
}

// Windows would write all the zeros.
describe.skipIf(process.platform === 'win32')('files above 4 GiB', () => {
  it('of safetensors are read in pieces, also as one of several', async () => {
    const header = formatHeader(
      [
        { name: 'big', dtype: 'F32', shape: [5, 2 ** 28], begin: 0, end: large },
        { name: 'small', dtype: 'I32', shape: [2], begin: large, end: large + 8 },
      ],
      {},
    );
    await writeSparse(join(folder, 'a.safetensors'), [
      [0, header],
      [header.length + large, lastBytes],
    ]);
    writeFileSync(join(folder, 'b.safetensors'), formatSafetensors({ other: int32([1], [3]) }));
    const map = { big: 'a.safetensors', small: 'a.safetensors', other: 'b.safetensors' };
    const index = join(folder, 'model.safetensors.index.json');
    writeFileSync(index, formatSafetensorsIndex(new Map(Object.entries(map)), large + 12));
    const file = await openSafetensors(index);
    expect(await joined(file.chunks('small'))).toEqual([...lastBytes]);
    expect((await file.read('small')).bytes).toEqual(lastBytes);
    expect((await file.readRange('big', 2 ** 30 + 5, 3)).bytes).toEqual(new Uint8Array(12));
    for await (const piece of file.chunks('big')) {
      expect(piece.length).toBe(2 ** 20); // the first of 5120
      break;
    }
    await file.close();
  });

  it('of PyTorch are read in pieces', async () => {
    const pickle = new PickleWriter();
    pickle.dict([0, 1], (key) => {
      pickle.scalar(String(key));
      pickle.tensor(key === 0 ? { dtype: 'F32', shape: [5, 2 ** 28] } : { dtype: 'I32', shape: [2] }, String(key));
    });
    const path = join(folder, 'large.pt');
    const text = (content: string): Uint8Array => new TextEncoder().encode(content);
    await writeSparseZip(path, {
      'archive/data.pkl': pickle.finish(),
      'archive/byteorder': text('little'),
      'archive/data/0': large,
      'archive/data/1': lastBytes,
      'archive/version': text('3\n'),
    });
    const file = await openPyTorch(path);
    const [big, small] = [...(file.value as Map<string, PyTorchTensor>).values()] as [PyTorchTensor, PyTorchTensor];
    expect((await file.read(small)).bytes).toEqual(lastBytes);
    expect(await joined(file.chunks(small))).toEqual([...lastBytes]);
    // A row that lies behind the first 4 GiB of its storage.
    const row = new PyTorchTensor('F32', [3], [1], 2 ** 30 + 7, big.storage);
    expect((await file.read(row)).bytes).toEqual(new Uint8Array(12));
    const beyond = new PyTorchTensor('F32', [1], [1], 0, new PyTorchStorage('0', 'F32', 1, large / 4));
    await expect(file.read(beyond)).rejects.toThrow(`expected ${large + 4} bytes of the storage '0'`);
    for await (const piece of file.chunks(big)) {
      expect(piece.length).toBe(2 ** 20);
      break;
    }
    await file.close();
  });

  it('of NumPy are read in rows', async () => {
    const shape = [5 * 2 ** 18 + 1, 2 ** 10]; // int32
    const header = formatNpyHeader({ dtype: 'I32', shape });
    const path = join(folder, 'large.npy');
    const end = header.length + large;
    const row = Int32Array.from({ length: 2 ** 10 }, (_, i) => i);
    await writeSparse(path, [
      [0, header],
      [end, new Uint8Array(row.buffer)],
    ]);
    const file = await openNpy(path);
    for await (const { bytes } of file.rows(5 * 2 ** 18, 1)) expect(bytes).toEqual(new Uint8Array(row.buffer));
    expect((await file.readRange(5 * 2 ** 28 + 3, 1)).bytes).toEqual(new Uint8Array(Int32Array.of(3).buffer));
    await file.close();
  });

  it('of archives of NumPy are read', async () => {
    const header = formatNpyHeader({ dtype: 'I32', shape: [5 * 2 ** 28] });
    const path = join(folder, 'large.npz');
    // What comes before the array that is read is no array, so that nothing but its position counts.
    const array = formatNpy(int32([2], [...last]));
    await writeSparseZip(path, { 'zeros.bin': large + header.length, 'a.npy': array });
    const file = await openNpz(path);
    const rows = file.arrays.get('a')?.rows(1, 1);
    for await (const { bytes } of rows ?? []) expect(bytes).toEqual(new Uint8Array(Int32Array.of(-12).buffer));
    expect([...file.arrays.keys()]).toEqual(['a']);
    await file.close();
  });
});
