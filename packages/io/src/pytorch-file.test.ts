import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath } from '@dpar/fixtures';
import { float32, int32 } from '@dpar/tensor';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHostTensor } from './convert.js';
import { parsePyTorch } from './pytorch/reader.js';
import type { PyTorchDict, PyTorchTensor, PyTorchValue } from './pytorch/values.js';
import { pytorchChunks, type WritablePyTorchValue } from './pytorch/writer.js';
import { openPyTorch, writePyTorch } from './pytorch-file.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-io-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function bytesOf(value: WritablePyTorchValue): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of pytorchChunks(value)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const get = (value: PyTorchValue | undefined, key: string): PyTorchValue | undefined => (value as PyTorchDict).get(key);

describe('writePyTorch', () => {
  it('writes what openPyTorch reads', async () => {
    const path = join(folder, 'all.pt');
    const weight = float32([2, 3], [1, -2, 0.5, Number.NaN, Number.POSITIVE_INFINITY, -0]);
    const half = { dtype: 'BF16', shape: [2], bytes: Uint8Array.of(1, 2, 3, 4) } as const;
    async function* pieces() {
      yield Uint8Array.of(5);
      yield Uint8Array.of(6, 7);
    }
    const model = new Map<string, WritablePyTorchValue>([
      ['weight', weight],
      ['tied', weight],
      ['half', half],
      ['streamed', { dtype: 'U8', shape: [3, 1], chunks: pieces() }],
      ['step', float32([], [10])],
      ['none', int32([0, 4])],
    ]);
    await writePyTorch(path, { model, steps: 10, betas: Object.freeze([0.9, 0.95]) });
    const file = await openPyTorch(path);
    const tensor = (name: string): PyTorchTensor => get(get(file.value, 'model'), name) as PyTorchTensor;
    expect(toHostTensor(await file.read(tensor('weight')))).toEqual(weight);
    expect(await file.read(tensor('half'))).toEqual(half);
    expect(await file.read(tensor('streamed'))).toEqual({ dtype: 'U8', shape: [3, 1], bytes: Uint8Array.of(5, 6, 7) });
    expect(toHostTensor(await file.read(tensor('step')))).toEqual(float32([], [10]));
    expect(toHostTensor(await file.read(tensor('none')))).toEqual(int32([0, 4]));
    expect(tensor('tied').storage.key).toBe(tensor('weight').storage.key);
    expect(get(file.value, 'steps')).toBe(10);
    await file.close();
    // As PyTorch maps data into memory: each begins at a multiple of 64 bytes.
    expect(readFileSync(path).indexOf(Uint8Array.of(5, 6, 7)) % 64).toBe(0);
  });

  it('writes plain values that are read back', async () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, false, 0, -1, 255, 256, 65535, 65536, -(2 ** 31), 2 ** 31, 2 ** 53 - 1, -0),
        fc.double(),
        fc.string({ unit: 'grapheme' }),
        fc.bigInt().filter((wide) => !Number.isSafeInteger(Number(wide))),
        fc.array(tie('value')),
        fc.array(tie('value')).map((items) => Object.freeze(items)),
        fc.array(fc.tuple(fc.string(), tie('value'))).map((entries) => new Map(entries)),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(value, async (given) => {
        const read = (await parsePyTorch(await bytesOf(given as WritablePyTorchValue))).value;
        expect(read).toEqual(given);
        if (Array.isArray(given)) expect(Object.isFrozen(read)).toBe(Object.isFrozen(given));
      }),
      { seed: 3 },
    );
  });

  it('writes plain objects as dicts, with no key left out', async () => {
    const object = JSON.parse('{"__proto__": {"a": 1}, "list": [1.5]}');
    expect((await parsePyTorch(await bytesOf(object))).value).toEqual(
      new Map<string, unknown>([
        ['__proto__', new Map([['a', 1]])],
        ['list', [1.5]],
      ]),
    );
  });

  it('leaves nothing where it refuses', async () => {
    const path = join(folder, 'never.pt');
    const self: WritablePyTorchValue[] = [];
    self.push(self);
    const cases: [WritablePyTorchValue, string][] = [
      [self, 'Check that no value contains itself.'],
      [{ dtype: 'U16', shape: [1], bytes: new Uint8Array(2) }, 'got U16'],
      [{ ...float32([2], [1, 2]), shape: [3] }, 'its shape [3]'],
      [{ dtype: 'U8', shape: [3], chunks: [Uint8Array.of(1)] }, "expected 3 bytes of 'archive/data/0', got 1"],
      [1n << 4000n, 'at most 255 bytes'],
    ];
    for (const [value, message] of cases) {
      await expect(writePyTorch(path, value)).rejects.toThrow(message);
    }
    expect(existsSync(path)).toBe(false);
  });
});

describe('openPyTorch', () => {
  it('reads tensors of a file when asked for', async () => {
    const file = await openPyTorch(fixturePath('torch-pt/values.pt'));
    const tensor = get(get(file.value, 'model'), 'part') as PyTorchTensor;
    expect([tensor.shape, tensor.strides, tensor.offset]).toEqual([[1, 2, 2], [12, 4, 2], 16]);
    expect(toHostTensor(await file.read(tensor)).data).toEqual(Float32Array.of(4, 4.5, 5, 5.5));
    await file.close();
  });

  it('says which file is missing or damaged', async () => {
    const path = join(folder, 'damaged.pt');
    await expect(openPyTorch(path)).rejects.toThrow(`expected a PyTorch file at '${path}', got none`);
    writeFileSync(path, 'PK\x03\x04, but no archive');
    await expect(openPyTorch(path)).rejects.toThrow(`openPyTorch ('${path}'): expected the records`);
    await expect(openPyTorch(folder)).rejects.toThrow('got a folder');
  });
});
