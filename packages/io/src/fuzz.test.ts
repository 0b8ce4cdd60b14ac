import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath, mutated } from '@dpar/fixtures';
import { allocatedBytes } from '@dpar/fixtures/allocated';
import { createRandom, int32, isDparError } from '@dpar/tensor';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { formatNpy, parseNpy } from './npy.js';
import { openNpy } from './npy-file.js';
import { formatNpz, parseNpz } from './npz.js';
import { openNpz } from './npz-file.js';
import { type PyTorchContent, parsePyTorch } from './pytorch/reader.js';
import { tensorsIn } from './pytorch/testing/walk.js';
import { openPyTorch } from './pytorch-file.js';
import { formatSafetensors, parseSafetensors } from './safetensors.js';
import { openSafetensors } from './safetensors-file.js';
import { formatSafetensorsIndex, parseSafetensorsIndex } from './safetensors-index.js';
import type { SafetensorsReader } from './safetensors-reader.js';

// Before the modules above are loaded, so that they see the constructors that count.
await vi.hoisted(async () => (await import('@dpar/fixtures/allocated')).countAllocations());

const folder = mkdtempSync(join(tmpdir(), 'dpar-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Every case is a function of this and its number. */
const seed = 20260101;

/** Memory of a call for other things than data: prefixes, records and windows of fixed size. */
const constantBytes = 1 << 12;

/** Memory of fflate: tables of its decompressor. */
const unzipBytes = 1 << 17;

/** Carries out a call of a reader and checks the memory that it took. */
type Call = <T>(call: () => T | Promise<T>) => Promise<T>;

/** A way to read a file. */
interface Reader {
  readonly name: string;
  readonly valid: Uint8Array;
  /** Most bytes of memory for data that a call takes, for each byte of the file. */
  readonly factor: number;
  readonly constant?: number;
  readonly cases: number;
  read(bytes: Uint8Array, call: Call): Promise<void>;
}

function save(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function closing<T extends { close(): Promise<void> }>(file: T, use: (file: T) => Promise<void>): Promise<void> {
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

/** All pieces, of which no more than one is held. @returns Their length. */
async function lengthOf(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const piece of pieces) length += piece.length;
  return length;
}

async function readTensors(file: PyTorchContent, call: Call): Promise<void> {
  for (const tensor of tensorsIn(file.value)) {
    const { bytes } = await call(() => file.read(tensor));
    expect(await call(() => lengthOf(file.chunks(tensor)))).toBe(bytes.length);
  }
}

async function readAll(file: SafetensorsReader, call: Call): Promise<void> {
  for (const name of file.names) {
    const { bytes } = await call(() => file.read(name));
    expect(await call(() => lengthOf(file.chunks(name)))).toBe(bytes.length);
  }
}

const tensors = {
  weight: { dtype: 'F32', shape: [3, 4], bytes: new Uint8Array(48).fill(63) },
  half: { dtype: 'F16', shape: [5], bytes: new Uint8Array(10).fill(60) },
  ids: int32([2, 3], [1, -2, 3, 4, 5, -6]),
  none: { dtype: 'BOOL', shape: [0, 2], bytes: new Uint8Array(0) },
} as const;
const array = int32(
  [2, 3, 4],
  Array.from({ length: 24 }, (_, i) => i * 1000),
);
const bigEndian = formatNpy(array).map((byte, i) => (byte === 0x3c && i < 64 ? 0x3e : byte));
const [first, second] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
save(first, formatSafetensors({ weight: tensors.weight, half: tensors.half }));
save(second, formatSafetensors({ ids: tensors.ids }));
const index = new TextEncoder().encode(
  formatSafetensorsIndex(
    new Map([
      ['weight', first],
      ['half', first],
      ['ids', second],
    ]),
    82,
  ),
);

// A view repeats elements up to 16 times, and is gathered of what it shows.
const pytorch = (name: string): Reader[] => {
  const valid = new Uint8Array(readFileSync(fixturePath(`torch-pt/${name}`)));
  return [
    {
      name,
      valid,
      factor: 17,
      cases: 1200,
      read: async (bytes, call) => readTensors(await call(() => parsePyTorch(bytes)), call),
    },
    {
      name: `${name}, from the disk`,
      valid,
      factor: 17,
      cases: 200,
      read: async (bytes, call) => {
        const path = save('file.pt', bytes);
        await closing(await call(() => openPyTorch(path)), (file) => readTensors(file, call));
      },
    },
  ];
};

// Bytes of other orders are copied once for each order.
const npy = (name: string, valid: Uint8Array): Reader[] => [
  {
    name: `npy, ${name}`,
    valid,
    factor: 2,
    cases: 1000,
    read: async (bytes, call) => void (await call(() => parseNpy(bytes))),
  },
  {
    name: `npy, ${name}, from the disk`,
    valid,
    factor: 3,
    cases: 200,
    read: async (bytes, call) => {
      const path = save('file.npy', bytes);
      await closing(await call(() => openNpy(path)), async (file) => {
        await call(() => file.read());
        await call(async () => {
          for await (const rows of file.rows(0, file.type.shape[0] ?? 1)) expect(rows.dtype).toBe(file.type.dtype);
        });
      });
    },
  },
];

// What deflate makes of a byte at most, and the copies of the array in it.
const npz = (name: string, valid: Uint8Array): Reader[] => [
  {
    name: `npz, ${name}`,
    valid,
    factor: 3 * 1032,
    constant: unzipBytes,
    cases: 1000,
    read: async (bytes, call) => void (await call(() => parseNpz(bytes))),
  },
  {
    name: `npz, ${name}, from the disk`,
    valid,
    factor: 3 * 1032,
    cases: 200,
    read: async (bytes, call) => {
      const path = save('file.npz', bytes);
      await closing(await call(() => openNpz(path)), async (file) => {
        for (const array of file.arrays.values()) await call(() => array.read());
      });
    },
  },
];

const indexPath = join(folder, 'model.safetensors.index.json');
const readers: Reader[] = [
  ...['values.pt', 'values-legacy.pt', 'values-protocol4.pt'].flatMap(pytorch),
  {
    name: 'safetensors',
    valid: formatSafetensors(tensors, { metadata: { format: 'pt' } }),
    factor: 1,
    cases: 3000,
    read: async (bytes, call) => void (await call(() => parseSafetensors(bytes))),
  },
  {
    name: 'safetensors, from the disk',
    valid: formatSafetensors(tensors),
    factor: 1,
    cases: 300,
    read: async (bytes, call) => {
      const path = save('file.safetensors', bytes);
      await closing(await call(() => openSafetensors(path)), (file) => readAll(file, call));
    },
  },
  {
    name: 'index',
    valid: index,
    factor: 1,
    cases: 3000,
    read: async (bytes, call) => void (await call(() => parseSafetensorsIndex(bytes))),
  },
  {
    name: 'index, with its files',
    valid: index,
    factor: 1,
    cases: 300,
    read: async (bytes, call) => {
      save('model.safetensors.index.json', bytes);
      await closing(await call(() => openSafetensors(indexPath)), (file) => readAll(file, call));
    },
  },
  {
    name: 'safetensors, one of several',
    valid: formatSafetensors({ ids: tensors.ids }),
    factor: 1,
    cases: 300,
    read: async (bytes, call) => {
      save(second, bytes);
      save('model.safetensors.index.json', index);
      await closing(await call(() => openSafetensors(indexPath)), (file) => readAll(file, call));
    },
  },
  ...npy('C order', formatNpy(array)),
  ...npy('Fortran order', formatNpy(array, { fortranOrder: true })),
  ...npy('big-endian', bigEndian),
  ...npz('stored', formatNpz({ a: array, b: array })),
  ...npz('deflated', formatNpz({ a: array, b: array }, { compress: true })),
];

describe('a damaged file', () => {
  it.each(readers)('is read or refused, within $factor times its size: $name', async (reader) => {
    const { valid, factor, constant = constantBytes, cases, read } = reader;
    const failure = async (bytes: Uint8Array): Promise<unknown> => {
      const call: Call = async (work) => {
        allocatedBytes();
        try {
          return await work();
        } finally {
          expect(allocatedBytes(), 'bytes of memory').toBeLessThanOrEqual(factor * bytes.length + constant);
        }
      };
      return read(bytes, call).then(
        () => undefined,
        (error: unknown) => error,
      );
    };
    expect(await failure(valid)).toBeUndefined();
    let refused = 0;
    for (let number = 0; number < cases; number++) {
      const bytes = mutated(valid, createRandom(seed, number));
      const error = await failure(bytes);
      if (error === undefined) continue;
      refused++;
      if (!isDparError(error)) throw new Error(`case ${number}: ${error instanceof Error ? error.stack : error}`);
    }
    // Both outcomes occur.
    expect(refused).toBeGreaterThan(cases / 10);
    expect(refused).toBeLessThan(cases);
  });
});

describe('the count of memory', () => {
  it('sees what readers take', () => {
    allocatedBytes();
    parseNpy(bigEndian);
    expect(allocatedBytes()).toBeGreaterThanOrEqual(array.data.byteLength);
    parseNpz(formatNpz({ a: array }, { compress: true }));
    expect(allocatedBytes()).toBeGreaterThanOrEqual(array.data.byteLength);
  });
});
