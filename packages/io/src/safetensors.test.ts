import { readFileSync } from 'node:fs';
import { fixturePath } from '@dpar/fixtures';
import { float32, hostTensor, int32 } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toFloat64Array, toHostTensor } from './convert.js';
import { IoError } from './error.js';
import { formatSafetensors, parseSafetensors, safetensorsChunks } from './safetensors.js';
import { parseHeader, parseHeaderLength } from './safetensors-header.js';
import { formatStoredType, type StoredTensor } from './stored.js';

/** A file with this header text and so many bytes of data. */
function fileOf(header: string | object, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const tensors = {
  'layers.10.weight': float32([2, 3], [1, -2, 3.5, 0, 1e-3, -1e9]),
  'layers.9.weight': float32([1], [0.1]),
  codes: int32([3], [1, -2, 3]),
  mask: hostTensor('bool', [3, 1], [1, 0, 1]),
  scalar: float32([], [7]),
  empty: float32([0, 5]),
  '12': int32([1], [12]),
};

describe('formatSafetensors', () => {
  it('writes the bytes that the format describes', () => {
    const file = formatSafetensors(
      { b: hostTensor('bool', [1], [1]), a: float32([2], [1, 2]) },
      { metadata: { k: 'v' } },
    );
    const json =
      '{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[8,9]}}';
    const length = Math.ceil(json.length / 8) * 8;
    expect(new DataView(file.buffer).getBigUint64(0, true)).toBe(BigInt(length));
    expect(new TextDecoder().decode(file.subarray(8, 8 + length))).toBe(json.padEnd(length));
    expect([...file.subarray(8 + length)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 1]);
  });

  it('is read back as it was, from a record or a map', () => {
    for (const input of [tensors, new Map(Object.entries(tensors))]) {
      const { tensors: read, metadata } = parseSafetensors(formatSafetensors(input, { metadata: { format: 'pt' } }));
      expect(metadata).toEqual({ format: 'pt' });
      expect([...read.keys()]).toEqual(
        ['12', 'codes', 'empty', 'layers.10.weight', 'layers.9.weight', 'scalar', 'mask'].sort(
          (a, b) => rank(a) - rank(b) || (a < b ? -1 : 1),
        ),
      );
      for (const [name, { shape, data }] of Object.entries(tensors)) {
        expect(read.get(name)?.shape).toEqual(shape);
        expect(read.get(name)?.bytes).toEqual(new Uint8Array(data.buffer));
      }
    }
    // Descending element types: F32, I32, BOOL.
    function rank(name: string): number {
      const { dtype } = tensors[name as keyof typeof tensors];
      return ['float32', 'int32', 'bool'].indexOf(dtype);
    }
  });

  it('gives the same bytes for the same tensors in any order', () => {
    const names = Object.keys(tensors) as (keyof typeof tensors)[];
    const expected = formatSafetensors(tensors, { metadata: { a: '1', b: '2' } });
    fc.assert(
      fc.property(fc.shuffledSubarray(names, { minLength: names.length }), (order) => {
        const shuffled = new Map(order.map((name) => [name, tensors[name]]));
        expect(formatSafetensors(shuffled, { metadata: { b: '2', a: '1' } })).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  it('writes float32 tensors in half precision on request, and no others', () => {
    const { tensors: read } = parseSafetensors(formatSafetensors(tensors, { dtype: 'BF16' }));
    expect(read.get('layers.10.weight')?.dtype).toBe('BF16');
    expect(read.get('codes')?.dtype).toBe('I32');
    const half = parseSafetensors(formatSafetensors({ x: float32([2], [1, 0.1]) }, { dtype: 'F16' })).tensors.get('x');
    expect(half).toMatchObject({ dtype: 'F16', shape: [2], bytes: Uint8Array.of(0, 0x3c, 0x66, 0x2e) });
  });

  it('converts big tensors in pieces', () => {
    const values = Float32Array.from({ length: (1 << 22) + 3 }, (_, i) => i % 2048);
    const lengths = [...safetensorsChunks({ x: float32([values.length], values) }, { dtype: 'F16' })].map(
      (c) => c.length,
    );
    expect(lengths.slice(1)).toEqual([1 << 23, 6]);
  });

  it('refuses reserved names and data that do not fit', () => {
    const x = float32([1], [1]);
    expect(() => formatSafetensors({ __metadata__: x })).toThrow('reserved');
    expect(() => formatSafetensors(new Map([['__proto__', x]]))).toThrow('reserved');
    expect(() => formatSafetensors({ x: { ...x, shape: [2] } })).toThrow(IoError);
    expect(() => formatSafetensors({ x: { dtype: 'F32', shape: [2], bytes: new Uint8Array(4) } })).toThrow(IoError);
    expect(() => formatSafetensors({ x: { dtype: 'F33', shape: [], bytes: new Uint8Array(4) } as never })).toThrow(
      IoError,
    );
  });
});

describe('a file that the reference library wrote', () => {
  // safetensors 0.8.0 in Python, one tensor or more of each element type
  const file = new Uint8Array(
    Buffer.from(
      'kAMAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCJ9LCJ1NjQiOnsiZHR5cGUiOiJVNjQiLCJzaGFwZSI6WzFdLCJkYXRhX29mZnNldHMiOlswLDhdfSwiaWRzIjp7ImR0eXBlIjoiSTY0Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbOCwyNF19LCJkIjp7ImR0eXBlIjoiRjY0Iiwic2hhcGUiOltdLCJkYXRhX29mZnNldHMiOlsyNCwzMl19LCJlbXB0eSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMCwzXSwiZGF0YV9vZmZzZXRzIjpbMzIsMzJdfSwibGF5ZXJzLjEwLndlaWdodCI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMSwzXSwiZGF0YV9vZmZzZXRzIjpbMzIsNDRdfSwibGF5ZXJzLjkud2VpZ2h0Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbNDQsNDhdfSwidTMyIjp7ImR0eXBlIjoiVTMyIiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbNDgsNTJdfSwiaTMyIjp7ImR0eXBlIjoiSTMyIiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbNTIsNTZdfSwiYnJhaW4iOnsiZHR5cGUiOiJCRjE2Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbNTYsNjBdfSwiaGFsZiI6eyJkdHlwZSI6IkYxNiIsInNoYXBlIjpbM10sImRhdGFfb2Zmc2V0cyI6WzYwLDY2XX0sInUxNiI6eyJkdHlwZSI6IlUxNiIsInNoYXBlIjpbMV0sImRhdGFfb2Zmc2V0cyI6WzY2LDY4XX0sImkxNiI6eyJkdHlwZSI6IkkxNiIsInNoYXBlIjpbMV0sImRhdGFfb2Zmc2V0cyI6WzY4LDcwXX0sImk4Ijp7ImR0eXBlIjoiSTgiLCJzaGFwZSI6WzFdLCJkYXRhX29mZnNldHMiOls3MCw3MV19LCJ1OCI6eyJkdHlwZSI6IlU4Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbNzEsNzNdfSwiYiI6eyJkdHlwZSI6IkJPT0wiLCJzaGFwZSI6WzJdLCJkYXRhX29mZnNldHMiOls3Myw3NV19fSAGAAAAAAAAAP//////////////fwAAAAAAAAAAAADQPwAAgD8AAADAAAAAP83MzD0EAAAA+////4A/SUAAPP97AQADAP7/gAD/AQA=',
      'base64',
    ),
  );

  it('has the values that were written', () => {
    const { tensors: read, metadata } = parseSafetensors(file);
    expect(metadata).toEqual({ format: 'pt' });
    const values = [...read].map(([name, stored]) => [name, stored.dtype, stored.shape, [...toFloat64Array(stored)]]);
    expect(values).toEqual([
      ['u64', 'U64', [1], [6]],
      ['ids', 'I64', [2], [-1, 2 ** 31 - 1]],
      ['d', 'F64', [], [0.25]],
      ['empty', 'F32', [0, 3], []],
      ['layers.10.weight', 'F32', [1, 3], [1, -2, 0.5]],
      ['layers.9.weight', 'F32', [1], [Math.fround(0.1)]],
      ['u32', 'U32', [1], [4]],
      ['i32', 'I32', [1], [-5]],
      ['brain', 'BF16', [2], [1, 3.140625]],
      ['half', 'F16', [3], [1, 65504, 2 ** -24]],
      ['u16', 'U16', [1], [3]],
      ['i16', 'I16', [1], [-2]],
      ['i8', 'I8', [1], [-128]],
      ['u8', 'U8', [2], [0, 255]],
      ['b', 'BOOL', [2], [1, 0]],
    ]);
  });

  it('is written byte for byte as it was, in whatever order the tensors come', () => {
    const { tensors: read, metadata } = parseSafetensors(file);
    expect(formatSafetensors(new Map([...read].reverse()), { metadata })).toEqual(file);
  });
});

describe('the fixtures', () => {
  const folders = ['dpar-dynamic3d', 'dpar-dynamic4d', 'dpar-e2d1-static2', 'dpar-rope1d', 'entropy-model', 'llamagen'];
  const files = [
    ...folders.flatMap((folder) => ['model', 'io', 'grads'].map((name) => `${folder}/${name}.safetensors`)),
    'dpar-dynamic4d/after_8_adamw_steps.safetensors',
    'generate-greedy-cfg2/io.safetensors',
    'generate-greedy-nocfg/io.safetensors',
    'vq/model.safetensors',
    'vq/io.safetensors',
  ];

  it.each(files)('%s is read, and its tensors are the same when written and read again', (name) => {
    const bytes = readFileSync(fixturePath(name));
    const { tensors: read, metadata } = parseSafetensors(bytes);
    expect(read.size).toBeGreaterThan(0);
    const again = parseSafetensors(formatSafetensors(read, { metadata }));
    expect([...again.tensors.keys()].sort()).toEqual([...read.keys()].sort());
    const changed = [...read].filter(([key, { dtype, shape, bytes }]) => {
      const other = again.tensors.get(key) as StoredTensor;
      return other.dtype !== dtype || other.shape.join() !== shape.join() || Buffer.compare(other.bytes, bytes) !== 0;
    });
    expect(changed).toEqual([]);
  });

  it('have the values that they are known to have', () => {
    const { tensors: read } = parseSafetensors(readFileSync(fixturePath('dpar-dynamic4d/io.safetensors')));
    const loss = read.get('loss') as StoredTensor;
    expect(loss).toMatchObject({ dtype: 'F32', shape: [1] });
    const lengths = read.get('patch_lengths') as StoredTensor;
    const tokens = read.get('tokens') as StoredTensor;
    expect(lengths.dtype).toBe('I32');
    // Patch lengths of an image sum to its number of tokens.
    const [images, perImage] = tokens.shape as [number, number];
    const view = new Int32Array(lengths.bytes.slice().buffer);
    expect(view.reduce((sum, length) => sum + length, 0)).toBe(images * perImage);
  });
});

describe('parseSafetensors', () => {
  it('reads F8 as the numbers that they are', () => {
    const entry = (dtype: string, begin: number) => ({ dtype, shape: [8], data_offsets: [begin, begin + 8] });
    const file = fileOf({ a: entry('F8_E4M3', 0), b: entry('F8_E5M2', 8) }, 16);
    file.set([0x00, 0x80, 0x01, 0x08, 0x38, 0xc0, 0x7e, 0x7f], file.length - 16);
    file.set([0x00, 0x80, 0x01, 0x04, 0x3c, 0xc0, 0x7b, 0x7c], file.length - 8);
    const { tensors } = parseSafetensors(file);
    const values = (name: string) => [...toHostTensor(tensors.get(name) as StoredTensor).data];
    // PyTorch 2.13: torch.tensor([...], dtype=torch.uint8).view(torch.float8_e4m3fn).float(), and float8_e5m2.
    expect(values('a')).toEqual([0, -0, 2 ** -9, 2 ** -6, 1, -2, 448, Number.NaN]);
    expect(values('b')).toEqual([0, -0, 2 ** -16, 2 ** -14, 1, -2, 57344, Number.POSITIVE_INFINITY]);
  });

  it('lists tensors of types that are not read, and reads the others', () => {
    const file = fileOf(
      {
        x: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
        complex: { dtype: 'C64', shape: [2], data_offsets: [4, 20] },
        small: { dtype: 'F4', shape: [3, 2], data_offsets: [20, 23] },
        scale: { dtype: 'F8_E8M0', shape: [1], data_offsets: [23, 24] },
        later: { dtype: 'Q3_K', shape: [], data_offsets: [24, 25] },
        y: { dtype: 'U8', shape: [1], data_offsets: [25, 26] },
      },
      26,
    );
    file.set([0, 0, 0x80, 0x3f], file.length - 26);
    file[file.length - 1] = 9;
    const { tensors, unread } = parseSafetensors(file);
    expect([...tensors.keys()]).toEqual(['x', 'y']);
    expect([tensors.get('x')?.bytes[3], tensors.get('y')?.bytes[0]]).toEqual([0x3f, 9]);
    expect(Array.from(unread, ([name, type]) => [name, formatStoredType(type)])).toEqual([
      ['complex', 'C64[2]'],
      ['small', 'F4[3, 2]'],
      ['scale', 'F8_E8M0[1]'],
      ['later', 'Q3_K[]'],
    ]);
  });

  it('takes metadata that are null as none', () => {
    const entry = { dtype: 'U8', shape: [1], data_offsets: [0, 1] };
    const { tensors, metadata } = parseSafetensors(fileOf({ __metadata__: null, x: entry }, 1));
    expect([[...tensors.keys()], metadata]).toEqual([['x'], {}]);
  });

  it('has a tensor under each name that the metadata name as its alias', () => {
    const metadata = {
      'output.weight': 'embed.weight',
      format: 'pt',
      'embed.weight': 'embed.weight',
      absent: 'nothing',
    };
    const { tensors } = parseSafetensors(formatSafetensors({ 'embed.weight': float32([1], [3]) }, { metadata }));
    expect([...tensors.keys()]).toEqual(['embed.weight', 'output.weight']);
    expect(tensors.get('output.weight')).toEqual(tensors.get('embed.weight'));
  });
});

describe('parseSafetensors refuses', () => {
  const entry = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
  const cases: [string, Uint8Array, string][] = [
    ['an empty file', new Uint8Array(0), 'got an empty file. Write'],
    ['seven bytes', new Uint8Array(7), 'at least 8 bytes'],
    ['no header', new Uint8Array(8), "begins with '{'"],
    ['a header beyond the file', Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d), 'at most 2 bytes'],
    ['a header of 2^64 - 1 bytes', new Uint8Array(100).fill(255), 'got the length 18446744073709551615'],
    [
      'invalid UTF-8',
      fileOf('{"a\u0000":1}').map((byte) => (byte === 0 ? 0xff : byte)),
      'expected a safetensors header',
    ],
    ['invalid JSON', fileOf('{"a":}'), 'JSON object'],
    ['cut JSON', fileOf('{"a":{"dtype":"F3'), 'JSON object'],
    ['JSON with a rest', fileOf('{} {}'), 'JSON object'],
    ['a list', fileOf('[]'), "begins with '{'"],
    ['leading space', fileOf(' {}'), "begins with '{'"],
    [
      'a tensor twice',
      fileOf(`{"a":${JSON.stringify(entry)},"a":${JSON.stringify(entry)}}`, 4),
      '"a\\" occurs twice'.replace('\\', ''),
    ],
    [
      'a tensor twice, escaped',
      fileOf(`{"a":${JSON.stringify(entry)},"\\u0061" :${JSON.stringify(entry)}}`, 4),
      'twice',
    ],
    ['a field twice', fileOf('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), 'twice'],
    ['__proto__ as a name', fileOf('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), '__proto__'],
    [
      '__proto__ as a field',
      fileOf('{"a":{"__proto__":{"dtype":"F32"},"shape":[1],"data_offsets":[0,4]}}', 4),
      '__proto__',
    ],
    ['deep nesting', fileOf(`{"a":${'['.repeat(1_000_000)}`), 'nested deeper'],
    [
      'an unread dtype, offsets the wrong way',
      fileOf({ a: { ...entry, dtype: 'C64', data_offsets: [4, 0] } }, 4),
      'order',
    ],
    ['an unread dtype, data with a hole', fileOf({ a: { ...entry, dtype: 'C64', data_offsets: [2, 4] } }, 4), 'a hole'],
    [
      'an unread dtype, data that are cut',
      fileOf({ a: { ...entry, dtype: 'C64', data_offsets: [0, 8] } }, 4),
      'truncated',
    ],
    ['a dtype named like a method', fileOf({ a: { ...entry, dtype: 'toString' } }, 4), 'a dtype of'],
    ['a missing dtype', fileOf({ a: { shape: [1], data_offsets: [0, 4] } }, 4), 'a dtype of'],
    ['a missing shape', fileOf({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), 'a shape'],
    ['missing offsets', fileOf({ a: { dtype: 'F32', shape: [1] } }, 4), 'data_offsets'],
    ['a tensor that is a list', fileOf({ a: [] }), "'a'"],
    ['a tensor that is null', fileOf({ a: null }), "'a'"],
    ['a negative dimension', fileOf({ a: { ...entry, shape: [-1] } }, 4), 'a shape'],
    ['a negative zero', fileOf('{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}'), 'a shape'],
    ['a broken dimension', fileOf({ a: { ...entry, shape: [1.5] } }, 4), 'a shape'],
    ['a dimension as text', fileOf({ a: { ...entry, shape: ['1'] } }, 4), 'a shape'],
    [
      'a dimension beyond 2^53',
      fileOf('{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]}}', 4),
      'a shape',
    ],
    ['a product that overflows', fileOf({ a: { ...entry, shape: [2 ** 40, 2 ** 40] } }, 4), 'countable'],
    [
      'a product that overflows before a 0',
      fileOf({ a: { ...entry, shape: [2 ** 40, 2 ** 40, 0], data_offsets: [0, 0] } }),
      'countable',
    ],
    ['a size beside the shape', fileOf({ a: { ...entry, shape: [2] } }, 4), '8 bytes'],
    ['a size beside the dtype', fileOf({ a: { ...entry, dtype: 'F64' } }, 4), '8 bytes'],
    ['offsets the wrong way', fileOf({ a: { ...entry, data_offsets: [4, 0] } }, 4), '4 bytes'],
    ['negative offsets', fileOf({ a: { ...entry, data_offsets: [-4, 0] } }, 4), 'data_offsets'],
    ['broken offsets', fileOf({ a: { ...entry, data_offsets: [0.5, 4.5] } }, 5), 'data_offsets'],
    ['three offsets', fileOf({ a: { ...entry, data_offsets: [0, 4, 8] } }, 4), 'data_offsets'],
    ['offsets beyond the file', fileOf({ a: entry }, 3), 'truncated'],
    ['bytes after the data', fileOf({ a: entry }, 5), 'longer than its header says'],
    ['overlapping tensors', fileOf({ a: entry, b: { ...entry, shape: [2], data_offsets: [0, 8] } }, 8), 'overlap'],
    ['overlapping tensors at 2', fileOf({ a: entry, b: { ...entry, data_offsets: [2, 6] } }, 6), 'overlap'],
    ['a hole', fileOf({ a: entry, b: { ...entry, data_offsets: [8, 12] } }, 12), 'hole'],
    ['a hole at the front', fileOf({ a: { ...entry, data_offsets: [4, 8] } }, 8), 'hole'],
    ['metadata that are not text', fileOf({ __metadata__: { a: 1 } }), '__metadata__'],
    ['metadata that are a list', fileOf({ __metadata__: ['a'] }), '__metadata__'],
  ];

  it.each(cases)('%s', (_, file, message) => {
    expect(() => parseSafetensors(file)).toThrow(IoError);
    expect(() => parseSafetensors(file)).toThrow(message);
  });

  it('a header above 100 MB in a file that could hold it', () => {
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setBigUint64(0, 100_000_001n, true);
    expect(() => parseHeaderLength('test', prefix, 10 ** 12)).toThrow('at most 100000000 bytes');
  });
});

describe('parseSafetensors takes', () => {
  it('a file without tensors, empty tensors, trailing spaces, fields that it does not know', () => {
    expect(parseSafetensors(fileOf('{}')).tensors.size).toBe(0);
    const odd = fileOf('{"a":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0],"more":{"x":[{}]}}}   ');
    expect(parseSafetensors(odd).tensors.get('a')).toEqual({ dtype: 'F32', shape: [0, 3], bytes: new Uint8Array(0) });
  });

  it('several empty tensors at one place, and names of methods', () => {
    const empty = { dtype: 'U8', shape: [0], data_offsets: [1, 1] };
    const file = fileOf(
      { constructor: empty, toString: { dtype: 'U8', shape: [1], data_offsets: [0, 1] }, b: empty },
      1,
    );
    expect([...parseSafetensors(file).tensors.keys()]).toEqual(['toString', 'constructor', 'b']);
  });

  it('offsets beyond 4 GiB', () => {
    const gib = 2 ** 30;
    const header = new TextEncoder().encode(
      JSON.stringify({
        b: { dtype: 'U8', shape: [3], data_offsets: [20 * gib, 20 * gib + 3] },
        a: { dtype: 'F32', shape: [5, gib], data_offsets: [0, 20 * gib] },
      }),
    );
    expect(parseHeader('test', header, 20 * gib + 3).entries).toEqual([
      { name: 'a', dtype: 'F32', shape: [5, gib], begin: 0, end: 20 * gib },
      { name: 'b', dtype: 'U8', shape: [3], begin: 20 * gib, end: 20 * gib + 3 },
    ]);
  });
});

/** Parses; true for a value whose tensors are whole, false for a refusal. Any other error fails the test. */
function parsesOrRefuses(file: Uint8Array): boolean {
  try {
    for (const { bytes } of parseSafetensors(file).tensors.values())
      expect(bytes.length).toBeLessThanOrEqual(file.length);
    return true;
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    return false;
  }
}

describe('parseSafetensors on damaged files', () => {
  const valid = formatSafetensors(tensors, { metadata: { format: 'pt' } });

  it('parses or refuses whatever bytes are changed', () => {
    const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const file = valid.slice();
        for (const [at, byte] of changes) file[at] = byte;
        parsesOrRefuses(file);
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses every cut and every extension', () => {
    for (let length = 0; length < valid.length; length++)
      expect(parsesOrRefuses(valid.subarray(0, length))).toBe(false);
    expect(parsesOrRefuses(Uint8Array.of(...valid, 0))).toBe(false);
  });

  it('parses or refuses any header', () => {
    const text = fc.constantFrom('F32', 'BOOL', '', 'a', '__proto__', '__metadata__', 'toString');
    const count = fc.oneof(fc.nat(8), fc.integer(), fc.double(), fc.constant(2 ** 53), text, fc.constant(null));
    const tensor = fc.record(
      { dtype: text, shape: fc.array(count, { maxLength: 3 }), data_offsets: fc.array(count, { maxLength: 3 }) },
      { requiredKeys: [] },
    );
    const header = fc.dictionary(text, fc.oneof(tensor, fc.jsonValue()), { maxKeys: 4 });
    fc.assert(
      fc.property(header, fc.nat(16), (json, dataBytes) => {
        parsesOrRefuses(fileOf(json, dataBytes));
      }),
      { numRuns: 1000 },
    );
  });

  it('parses or refuses any text as header', () => {
    const pieces = fc.constantFrom(
      ...'{}[]":,\\',
      '"a"',
      '"dtype":"U8"',
      '"shape":[]',
      '"data_offsets":[0,1]',
      ' ',
      '1',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (list) => {
        parsesOrRefuses(fileOf(`{${list.join('')}`, 1));
      }),
      { numRuns: 1000 },
    );
  });
});
