import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { npzChunks, parseNpz } from './npz.js';
import { crc32, zipChunks } from './zip.js';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return new Uint8Array(Buffer.concat(all));
}

/** Directory entry of one file of an archive, read as the format's description says. */
function directoryEntry(archive: Uint8Array): { crc: number; size: bigint; start: bigint; name: string } {
  const view = new DataView(archive.buffer);
  const end = archive.length - 22;
  const end64 = Number(view.getBigUint64(end - 20 + 8, true));
  const entry = Number(view.getBigUint64(end64 + 48, true));
  const nameLength = view.getUint16(entry + 28, true);
  const extra = entry + 46 + nameLength;
  return {
    crc: view.getUint32(entry + 16, true),
    size: view.getBigUint64(extra + 4, true),
    start: view.getBigUint64(extra + 20, true),
    name: new TextDecoder().decode(archive.subarray(entry + 46, extra)),
  };
}

describe('zipChunks', () => {
  it('writes the CRC-32, sizes and names where the format has them', async () => {
    const archive = await collect(zipChunks([{ name: 'é.txt', size: 9, chunks: [text('1234'), text('56789')] }]));
    // The check value of CRC-32 is that of 123456789.
    expect(directoryEntry(archive)).toEqual({ crc: 0xcbf43926, size: 9n, start: 0n, name: 'é.txt' });
    const view = new DataView(archive.buffer);
    expect(view.getUint32(0, true)).toBe(0x04034b50);
    expect(view.getUint32(archive.length - 22, true)).toBe(0x06054b50);
  });

  it('refuses a file that is not as long as said', async () => {
    const entry = { name: 'a', size: 5, chunks: [text('1234')] };
    await expect(collect(zipChunks([entry]))).rejects.toThrow("expected 5 bytes of 'a', got 4");
  });
});

describe('npzChunks', () => {
  it('writes arrays, given in pieces, that are read back', async () => {
    async function* pieces() {
      yield Uint8Array.of(1, 2, 3);
      yield Uint8Array.of(4, 5, 6);
    }
    const archive = await collect(
      npzChunks({
        arr_0: { dtype: 'U8', shape: [2, 3], chunks: pieces() },
        none: { dtype: 'F32', shape: [0], chunks: [] },
        arr_1: { dtype: 'I64', shape: [1], chunks: [new Uint8Array(BigInt64Array.of(7n).buffer)] },
      }),
    );
    const arrays = parseNpz(archive);
    expect([...arrays.keys()]).toEqual(['arr_0', 'none', 'arr_1']);
    expect(arrays.get('arr_0')).toEqual({ dtype: 'U8', shape: [2, 3], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6) });
    expect(arrays.get('arr_1')).toMatchObject({
      dtype: 'I64',
      shape: [1],
      bytes: Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0),
    });
  });

  it('refuses data of another length than the shape', async () => {
    const chunked = { dtype: 'U8', shape: [3], chunks: [Uint8Array.of(1)] } as const;
    await expect(collect(npzChunks({ a: chunked }))).rejects.toThrow("of 'a.npy', got");
  });
});

it('crc32 is that of zlib, whatever the pieces', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 2654435761) >>> 13);
  for (let length = 0; length <= 40; length++) {
    const piece = bytes.subarray(3, 3 + length);
    // gzip ends with the checksum and the length.
    const expected = gzipSync(piece).readUInt32LE(gzipSync(piece).length - 8);
    expect(crc32(piece, 0)).toBe(expected);
    expect(crc32(piece.subarray(5), crc32(piece.subarray(0, 5), 0))).toBe(expected);
  }
});
