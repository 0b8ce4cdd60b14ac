import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFileAtomic } from './atomic-file.js';
import { bytesOf } from './convert.js';
import { IoError } from './error.js';
import { formatNpy } from './npy.js';
import { openNpy } from './npy-file.js';
import { npzChunks, parseNpz } from './npz.js';
import { openNpz, readNpz } from './npz-file.js';
import type { StoredTensor } from './stored.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-npz-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function save(bytes: Uint8Array): string {
  const path = join(folder, 'file.npz');
  writeFileSync(path, bytes);
  return path;
}

/** [5, 2, 3] of 16-bit numbers. */
const tensor: StoredTensor = {
  dtype: 'U16',
  shape: [5, 2, 3],
  bytes: bytesOf(Uint16Array.from({ length: 30 }, (_, i) => i * 257)),
};

const rowBytes = 12;

/** All that `rows` gives, put together. */
async function rowsOf(path: string, first: number, count: number): Promise<{ shapes: number[][]; bytes: Uint8Array }> {
  const file = await openNpz(path);
  const shapes: number[][] = [];
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of file.arrays.get('a')?.rows(first, count) ?? []) {
      shapes.push([...piece.shape]);
      pieces.push(piece.bytes);
    }
  } finally {
    await file.close();
  }
  return { shapes, bytes: new Uint8Array(Buffer.concat(pieces)) };
}

describe.each([
  ['stored', 'C', 0],
  ['stored', 'Fortran', 0],
  ['deflated', 'C', 6],
  ['deflated', 'Fortran', 6],
] as const)('%s, %s order', (_, order, level) => {
  const bytes = zipSync({ 'a.npy': formatNpy(tensor, { fortranOrder: order === 'Fortran' }) }, { level });

  it('reads the array, and any rows of it', async () => {
    const path = save(bytes);
    expect(await readNpz(path)).toEqual(new Map([['a', tensor]]));
    for (let first = 0; first <= 5; first++) {
      for (let count = 0; first + count <= 5; count++) {
        const read = await rowsOf(path, first, count);
        expect(read.bytes).toEqual(tensor.bytes.subarray(first * rowBytes, (first + count) * rowBytes));
        expect(read.shapes).toEqual(count === 0 ? [] : [[count, 2, 3]]);
      }
    }
    await expect(rowsOf(path, 3, 3)).rejects.toThrow('got 3 from 3.');
  });

  it('refuses data that were changed, when all of them are read', async () => {
    const changed = Buffer.from(bytes);
    const data = changed.indexOf('PK\x01\x02', 'latin1') - 3;
    changed[data] = (changed[data] as number) ^ 0x10;
    await expect(readNpz(save(changed))).rejects.toThrow('The file is damaged.');
    await expect(rowsOf(save(changed), 0, 5)).rejects.toThrow(IoError);
  });
});

it('reads archives in the 64-bit form, row by row', async () => {
  const path = join(folder, 'wide.npz');
  await writeFileAtomic(path, npzChunks({ a: { ...tensor, chunks: [tensor.bytes] } }));
  expect((await rowsOf(path, 1, 3)).bytes).toEqual(tensor.bytes.subarray(rowBytes, 4 * rowBytes));
});

it('gives rows of a .npy file in pieces of some 4 MiB', async () => {
  const rows = 3000;
  const big: StoredTensor = {
    dtype: 'U8',
    shape: [rows, 4096],
    bytes: Uint8Array.from({ length: rows * 4096 }, (_, i) => (i * 31) >> 7),
  };
  const path = join(folder, 'big.npy');
  for (const fortranOrder of [false, true]) {
    writeFileSync(path, formatNpy(big, { fortranOrder }));
    const file = await openNpy(path);
    let at = 7 * 4096;
    for await (const { shape, bytes } of file.rows(7, rows - 7)) {
      if (!fortranOrder) expect(shape[0]).toBeLessThanOrEqual(1024);
      expect(Buffer.compare(bytes, big.bytes.subarray(at, at + bytes.length))).toBe(0);
      at += bytes.length;
    }
    expect(at).toBe(big.bytes.length);
    await file.close();
  }
});

describe('archives with arrays that are not read', () => {
  /** An `.npy` file of any element type, without data. */
  function otherArray(descr: string): Uint8Array {
    const text = `{'descr': ${descr}, 'fortran_order': False, 'shape': (0,), }`.padEnd(117);
    return Buffer.concat([Buffer.from('\x93NUMPY\x01\0\x76\0', 'latin1'), Buffer.from(`${text}\n`)]);
  }

  const archive = zipSync({
    'objects.npy': otherArray("'|O'"),
    'a.npy': formatNpy(tensor),
    'names.npy': otherArray("'<U5'"),
    'records.npy': otherArray("[('x', '<f4'), ('y', '<i8', (2,))]"),
    'complex.npy': otherArray("'<c8'"),
    'dates.npy': otherArray("'<M8[ns]'"),
    'readme.txt': Buffer.from('text'),
  });

  it('give the others', async () => {
    expect(await readNpz(save(archive))).toEqual(new Map([['a', tensor]]));
    expect(parseNpz(archive)).toEqual(new Map([['a', tensor]]));
    expect(await readNpz(save(archive), { names: ['a'] })).toEqual(new Map([['a', tensor]]));
    expect(parseNpz(archive, { names: ['a'], maximumBytes: 200 })).toEqual(new Map([['a', tensor]]));
  });

  it('say what an array is that is asked for', async () => {
    const file = await openNpz(save(archive));
    for (const [name, descr] of [
      ['objects', "'|O'"],
      ['names', "'<U5'"],
      ['records', "[('x', '<f4')"],
      ['complex', "'<c8'"],
      ['dates', "'<M8[ns]'"],
    ] as const) {
      const message = `got "{'descr': ${descr}`;
      expect(() => file.arrays.get(name)?.type).toThrow(message);
      await expect(file.arrays.get(name)?.read()).rejects.toThrow(message);
      await expect(file.arrays.get(name)?.rows(0, 0)[Symbol.asyncIterator]().next()).rejects.toThrow(message);
      await expect(readNpz(save(archive), { names: [name] })).rejects.toThrow(message);
      expect(() => parseNpz(archive, { names: [name] })).toThrow(message);
    }
    await file.close();
  });

  it('say that an array is missing that is asked for', async () => {
    const message = "expected an array 'b' in the archive, got ";
    await expect(readNpz(save(archive), { names: ['b'] })).rejects.toThrow(message);
    expect(() => parseNpz(archive, { names: ['b'] })).toThrow(message);
  });

  it('may have members of other kinds of compression', async () => {
    const bytes = Buffer.from(archive);
    bytes.writeUInt16LE(14, bytes.lastIndexOf('PK\x01\x02', undefined, 'latin1') + 10); // LZMA, of readme.txt
    const second = bytes.indexOf(
      'PK\x01\x02',
      bytes.indexOf('names.npy', bytes.indexOf('PK\x01\x02', 0, 'latin1')) - 60,
      'latin1',
    );
    bytes.writeUInt16LE(12, second + 10); // bzip2, of names.npy
    expect(await readNpz(save(bytes))).toEqual(new Map([['a', tensor]]));
    const file = await openNpz(save(bytes));
    await expect(file.arrays.get('names')?.read()).rejects.toThrow("got 'names.npy' compressed");
    await file.close();
  });

  it('are refused where their headers are damaged', async () => {
    const damaged = Buffer.from(otherArray("'|O'"));
    damaged.fill(0x78, 40, 60);
    await expect(readNpz(save(zipSync({ 'a.npy': formatNpy(tensor), 'b.npy': damaged })))).rejects.toThrow(IoError);
  });
});

describe('archives that lie', () => {
  const deflated = zipSync({ 'a.npy': formatNpy(tensor) });

  /** The archive with another size of its file in the directory. */
  function resized(archive: Uint8Array, size: number): Uint8Array {
    const bytes = Buffer.from(archive);
    bytes.writeUInt32LE(size, bytes.indexOf('PK\x01\x02', 'latin1') + 24);
    return bytes;
  }

  it.each([
    ['more than deflate can make', resized(deflated, 0x7fffffff), 'which deflate cannot expand so far'],
    ['more than there is', resized(deflated, 10_000), 'expected 60 bytes of data for U16[5, 2, 3], got 9872'],
    ['less than there is', resized(deflated, 150), "expected 150 bytes of 'a.npy', got 188 or more"],
    [
      'an array of many axes',
      zipSync({ 'a.npy': formatNpy({ ...tensor, shape: [5, 2, 3, ...Array(62).fill(1)] }) }),
      'axes',
    ],
    ['nothing', new Uint8Array(0), 'got an empty file'],
    ['the start alone', deflated.subarray(0, 100), 'the records that end a zip archive'],
  ])('are refused: %s', async (_, bytes, message) => {
    await expect(readNpz(save(bytes))).rejects.toThrow(IoError);
    await expect(readNpz(save(bytes))).rejects.toThrow(message);
  });

  it('refuses more arrays than allowed', async () => {
    await expect(readNpz(save(deflated), { maximumBytes: 59 })).rejects.toThrow('at most 59 bytes');
  });
});
