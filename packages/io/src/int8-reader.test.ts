import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { float32 } from '@dpar/tensor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { int8Weights, toHostTensors } from './index.js';
import { dequantized, openSafetensors, readSafetensors, writeSafetensors } from './node.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-io-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('reads rounded matrices as float32, whole, in ranges and in pieces, and others as they are', async () => {
  const path = join(folder, 'rounded.safetensors');
  // 900 rows of 700 take more than one piece.
  const wide = float32(
    [900, 700],
    Float32Array.from({ length: 900 * 700 }, (_, i) => Math.sin(i) * (1 + (i % 13))),
  );
  const zero = float32([2, 3]);
  const vector = float32([3], [1, 0.5, -2]);
  const kernel = float32(
    [4, 3, 2, 2],
    Float32Array.from({ length: 48 }, (_, i) => Math.cos(i)),
  );
  await writeSafetensors(path, int8Weights({ wide, zero, vector, kernel }));
  const expected = toHostTensors((await readSafetensors(path)).tensors);
  const file = dequantized(await openSafetensors(path));
  try {
    expect([...file.names].sort()).toEqual(['kernel', 'vector', 'wide', 'zero']);
    expect(file.types.get('wide')).toEqual({ dtype: 'F32', shape: [900, 700] });
    expect(file.types.get('vector')).toMatchObject({ dtype: 'F32', shape: [3] });
    expect(file.notes).toEqual(['3 matrices of 8-bit whole numbers with scales are read as float32']);
    expect(toHostTensors(new Map([['wide', await file.read('wide')]]))).toEqual({ wide: expected.wide });
    expect(await file.read('kernel')).toMatchObject({ dtype: 'F32', shape: [4, 3, 2, 2] });
    const part = toHostTensors(new Map([['part', await file.readRange('wide', 699, 3)]])).part;
    expect(part?.data).toEqual(expected.wide?.data.slice(699, 702));
    await expect(file.readRange('wide', 900 * 700 - 1, 2)).rejects.toThrow("'wide'");
    for (const name of file.names) {
      const pieces: Uint8Array[] = [];
      for await (const piece of file.chunks(name)) pieces.push(piece.slice());
      expect(Buffer.concat(pieces).equals(Buffer.from((await file.read(name)).bytes))).toBe(true);
      expect(pieces.length > 1).toBe(name === 'wide');
    }
  } finally {
    await file.close();
  }
});

it('leaves a file without such matrices alone', async () => {
  const path = join(folder, 'plain.safetensors');
  await writeSafetensors(path, { w: float32([1, 2], [1, 2]) });
  const file = await openSafetensors(path);
  expect(dequantized(file)).toBe(file);
  await file.close();
});
