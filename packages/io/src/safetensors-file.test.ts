import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath } from '@dpar/fixtures';
import { float32, int32 } from '@dpar/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHostTensor } from './convert.js';
import { IoError } from './error.js';
import { toHostTensors } from './int8.js';
import { formatNpy } from './npy.js';
import { openNpy, readNpy, writeNpy } from './npy-file.js';
import { readNpz, writeNpz } from './npz-file.js';
import { formatSafetensors, parseSafetensors } from './safetensors.js';
import { openSafetensors, readSafetensors, writeSafetensors } from './safetensors-file.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-io-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const tensors = { a: float32([2, 2], [1, 2, 3, 4]), b: int32([1], [-7]), empty: float32([0]) };

describe('files', () => {
  it('hold the bytes that are made in memory', async () => {
    const path = join(folder, 'plain.safetensors');
    await writeSafetensors(path, tensors, { metadata: { step: '3' }, dtype: 'BF16' });
    expect(new Uint8Array(readFileSync(path))).toEqual(
      formatSafetensors(tensors, { metadata: { step: '3' }, dtype: 'BF16' }),
    );
  });

  it('are read back, whole and tensor by tensor', async () => {
    const path = join(folder, 'whole.safetensors');
    await writeSafetensors(path, tensors, { metadata: { step: '3' } });
    const content = await readSafetensors(path);
    expect(content.metadata).toEqual({ step: '3' });
    expect(toHostTensors(content.tensors)).toEqual(Object.assign(Object.create(null), tensors));
    const file = await openSafetensors(path);
    expect(file.names).toEqual(['a', 'empty', 'b']);
    expect(file.types.get('a')).toMatchObject({ dtype: 'F32', shape: [2, 2] });
    expect(await file.read('b')).toEqual({ dtype: 'I32', shape: [1], bytes: Uint8Array.of(249, 255, 255, 255) });
    await expect(file.read('c')).rejects.toThrow("Its 3 tensors are 'a', 'empty', 'b'.");
    await file.close();
  });

  it('say which type is not read, when that tensor is asked for', async () => {
    const path = join(folder, 'complex.safetensors');
    const header = JSON.stringify({
      z: { dtype: 'C64', shape: [1], data_offsets: [0, 8] },
      x: { dtype: 'U8', shape: [1], data_offsets: [8, 9] },
    });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(path, Buffer.concat([length, Buffer.from(header), Buffer.alloc(9, 5)]));
    const file = await openSafetensors(path);
    expect([file.names, [...file.unread.keys()]]).toEqual([['x'], ['z']]);
    expect((await file.read('x')).bytes).toEqual(Uint8Array.of(5));
    await expect(file.read('z')).rejects.toThrow(`expected 'z' of '${path}' of one of the types BOOL, U8,`);
    await expect(file.readRange('z', 0, 1)).rejects.toThrow('got C64[1]. Convert it');
    expect(() => file.chunks('z')).toThrow('got C64[1]');
    await file.close();
    expect([...(await readSafetensors(path)).tensors.keys()]).toEqual(['x']);
  });

  it('are read by ranges of elements', async () => {
    const path = join(folder, 'ranges.safetensors');
    await writeSafetensors(path, { ...tensors, h: float32([2, 3], [0, 1, 2, 3, 4, 5]) }, { dtype: 'F16' });
    const file = await openSafetensors(path);
    const whole = toHostTensor(await file.read('h'));
    expect(toHostTensor(await file.readRange('h', 1, 4))).toEqual(float32([4], [...whole.data.slice(1, 5)]));
    expect(await file.readRange('empty', 0, 0)).toMatchObject({ shape: [0] });
    await expect(file.readRange('h', 5, 2)).rejects.toThrow(`6 elements of 'h' of '${path}', F16[2, 3], got 2 from 5`);
    await expect(file.readRange('h', -1, 2)).rejects.toThrow('got 2 from -1');
    await file.close();

    const npy = join(folder, 'ranges.npy');
    await writeNpy(npy, int32([2, 3], [0, 1, 2, 3, 4, 5]));
    const array = await openNpy(npy);
    expect(array.type).toEqual({ dtype: 'I32', shape: [2, 3] });
    expect(toHostTensor(await array.readRange(2, 3))).toEqual(int32([3], [2, 3, 4]));
    expect(await array.read()).toEqual(await readNpy(npy));
    await expect(array.readRange(4, 3)).rejects.toThrow(`6 elements of '${npy}'`);
    truncateSync(npy, 140);
    await expect(array.readRange(2, 3)).rejects.toThrow('was truncated while it was read');
    await array.close();
    await expect(openNpy(npy)).rejects.toThrow(`'${npy}'): expected 24 bytes of data for I32[2, 3], got 12`);
    await expect(openNpy(join(folder, 'none.npy'))).rejects.toThrow('none.npy');
  });

  it('in other byte orders are converted, and columns are not taken for rows', async () => {
    const path = join(folder, 'order.npy');
    const big = formatNpy(int32([3], [1, 2, 3]));
    writeFileSync(
      path,
      Buffer.from(big).map((byte, i) => (byte === 0x3c && i < 64 ? 0x3e : byte)),
    ); // '<' to '>'
    const file = await openNpy(path);
    expect(toHostTensor(await file.readRange(1, 2)).data).toEqual(Int32Array.of(2 << 24, 3 << 24));
    await file.close();
    await writeNpy(path, int32([2, 2], [1, 2, 3, 4]), { fortranOrder: true });
    const columns = await openNpy(path);
    expect(toHostTensor(await columns.read()).data).toEqual(Int32Array.of(1, 2, 3, 4));
    await expect(columns.readRange(0, 2)).rejects.toThrow('expected an array in C order');
    await columns.close();
  });

  it('of the fixtures are read as from memory', async () => {
    const path = fixturePath('llamagen/model.safetensors');
    expect(await readSafetensors(path)).toEqual(parseSafetensors(readFileSync(path)));
  });

  it('that are missing or damaged are refused with the path', async () => {
    const path = join(folder, 'damaged.safetensors');
    await expect(readSafetensors(path)).rejects.toThrow(`expected a safetensors file at '${path}', got none`);
    await expect(readSafetensors(folder)).rejects.toThrow();
    for (const [bytes, message] of [
      [new Uint8Array(3), 'truncated'],
      [new Uint8Array(50).fill(0xff), 'got the length 18446744073709551615'],
      [formatSafetensors(tensors).subarray(0, -1), 'truncated'],
    ] as const) {
      writeFileSync(path, bytes);
      await expect(readSafetensors(path)).rejects.toThrow(IoError);
      await expect(readSafetensors(path)).rejects.toThrow(message);
      await expect(readSafetensors(path)).rejects.toThrow(path);
    }
  });

  it('that shrink after they were opened are refused', async () => {
    const path = join(folder, 'shrinking.safetensors');
    await writeSafetensors(path, tensors);
    const file = await openSafetensors(path);
    truncateSync(path, 20);
    await expect(file.read('a')).rejects.toThrow('was truncated while it was read');
    await file.close();
  });

  it('are not written when a tensor is refused', async () => {
    const path = join(folder, 'never.safetensors');
    await expect(writeSafetensors(path, { a: { ...tensors.a, shape: [3] } })).rejects.toThrow(IoError);
    expect(readdirSync(folder).filter((name) => name.includes('never'))).toEqual([]);
  });
});

describe('NumPy files', () => {
  it('are read back', async () => {
    const stored = { dtype: 'F64', shape: [2], bytes: new Uint8Array(16).fill(7) } as const;
    await writeNpy(join(folder, 'x.npy'), stored);
    expect(await readNpy(join(folder, 'x.npy'))).toEqual(stored);
    await expect(readNpy(join(folder, 'none.npy'))).rejects.toThrow('readNpy: expected a NumPy file at');
    await writeNpz(join(folder, 'x.npz'), { mu: stored }, { compress: true });
    expect(await readNpz(join(folder, 'x.npz'))).toEqual(new Map([['mu', stored]]));
  });
});
