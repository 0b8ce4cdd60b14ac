import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath } from '@dpar/fixtures';
import { float32, type HostTensor, int32 } from '@dpar/tensor';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { bytesOf } from './convert.js';
import { IoError } from './error.js';
import { checkpointIdentity } from './identity.js';
import { formatSafetensors } from './safetensors.js';
import { openSafetensors, readSafetensors, writeSafetensors } from './safetensors-file.js';
import { formatSafetensorsIndex, parseSafetensorsIndex } from './safetensors-index.js';
import { safetensorsFiles } from './safetensors-shards.js';
import { planShards, shardName } from './shard-plan.js';

let root: string;
let folder: string;
let count = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'dpar-shards-'));
});
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});
afterAll(() => rmSync(root, { recursive: true }));

const tensors = {
  'b.weight': float32([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]),
  'a.weight': float32([3], [9, 10, 11]),
  ids: int32([2], [-1, 7]),
  large: float32(
    [10],
    Array.from({ length: 10 }, (_, i) => i),
  ),
};
const shard = (index: number, of: number): string => shardName('model', index, of);

describe('planShards', () => {
  it('takes tensors in turn, and gives those that are too large a file of their own', () => {
    const sizes = [40, 50, 30, 500, 60, 100].map((bytes) => ({ bytes }));
    const plan = planShards(sizes, 100).map((group) => group.map(({ bytes }) => bytes));
    expect(plan).toEqual([[40, 50], [500], [30, 60], [100]]);
    expect(planShards([], 100)).toEqual([[]]);
    expect(planShards(sizes, 1000)).toHaveLength(1);
    expect(() => planShards(sizes, 0)).toThrow(IoError);
  });

  it('keeps to the limit and loses nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.integer({ min: 1, max: 80 }), (sizes, limit) => {
        const items = sizes.map((bytes, i) => ({ bytes, i }));
        const plan = planShards(items, limit);
        expect(plan.flat().sort((a, b) => a.i - b.i)).toEqual(items);
        for (const group of plan) {
          const bytes = group.reduce((sum, item) => sum + item.bytes, 0);
          if (group.length > 1) expect(bytes).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });
});

describe('several files', () => {
  const path = (): string => join(folder, 'model.safetensors');
  const indexPath = (): string => `${path()}.index.json`;

  it('are written with an index, in the form of Hugging Face', async () => {
    await writeSafetensors(path(), tensors, { maximumShardBytes: 40, metadata: { format: 'pt' } });
    expect(readdirSync(folder).sort()).toEqual([shard(0, 3), shard(1, 3), shard(2, 3), 'model.safetensors.index.json']);
    expect(readFileSync(indexPath(), 'utf8')).toBe(
      `{
  "metadata": {
    "total_size": 92
  },
  "weight_map": {
    "a.weight": "model-00002-of-00003.safetensors",
    "b.weight": "model-00001-of-00003.safetensors",
    "ids": "model-00002-of-00003.safetensors",
    "large": "model-00003-of-00003.safetensors"
  }
}
`,
    );
    const metadata = { format: 'pt' };
    const expected = formatSafetensors({ ids: tensors.ids, 'a.weight': tensors['a.weight'] }, { metadata });
    expect(new Uint8Array(readFileSync(join(folder, shard(1, 3))))).toEqual(expected);
  });

  it('are read as one, by either name', async () => {
    await writeSafetensors(path(), tensors, { maximumShardBytes: 40, metadata: { format: 'pt' } });
    const one = join(folder, 'one.safetensors');
    await writeSafetensors(one, tensors, { metadata: { format: 'pt' } });
    const expected = await readSafetensors(one);
    for (const place of [path(), indexPath()]) {
      const { tensors: read, metadata } = await readSafetensors(place);
      expect(metadata).toEqual({ format: 'pt' });
      expect(new Map([...read].sort())).toEqual(new Map([...expected.tensors].sort()));
      const file = await openSafetensors(place);
      expect(file.types.get('large')).toMatchObject({ dtype: 'F32', shape: [10] });
      expect((await file.readRange('large', 3, 1)).bytes).toEqual(new Uint8Array(Float32Array.of(3).buffer));
      const pieces: Uint8Array[] = [];
      for await (const piece of file.chunks('ids')) pieces.push(piece);
      expect(pieces).toEqual([new Uint8Array(Int32Array.of(-1, 7).buffer)]);
      await expect(file.read('none')).rejects.toThrow("got the name 'none'. Its 4 tensors are 'b.weight', ");
      expect(() => file.chunks('none')).toThrow(IoError);
      await file.close();
    }
    expect((await safetensorsFiles(path())).map((name) => name.slice(folder.length + 1))).toEqual([
      'model.safetensors.index.json',
      ...[0, 1, 2].map((i) => shard(i, 3)),
    ]);
  });

  it('become one where one is enough, and the other way round, and nothing of the older set stays', async () => {
    await writeSafetensors(path(), tensors, { maximumShardBytes: 40 });
    writeFileSync(join(folder, 'model-1.safetensors'), 'of somebody else');
    await writeSafetensors(path(), tensors, { maximumShardBytes: 1000 });
    expect(readdirSync(folder).sort()).toEqual(['model-1.safetensors', 'model.safetensors']);
    expect(new Uint8Array(readFileSync(path()))).toEqual(formatSafetensors(tensors));
    await writeSafetensors(path(), tensors, { maximumShardBytes: 60 });
    expect(existsSync(path())).toBe(false);
    expect(await safetensorsFiles(path())).toHaveLength(3);
    await writeSafetensors(path(), tensors, { maximumShardBytes: 40 });
    expect(readdirSync(folder)).toHaveLength(5);
    expect((await readSafetensors(path())).tensors.size).toBe(4);
  });

  it('are written whole or not at all', async () => {
    await writeSafetensors(path(), tensors, { maximumShardBytes: 40 });
    const before = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
    async function* cut(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(20);
      throw new Error('the disk is gone');
    }
    const broken = { ...tensors, late: { dtype: 'F32', shape: [10], chunks: cut() } as const };
    await expect(writeSafetensors(path(), broken, { maximumShardBytes: 40 })).rejects.toThrow('the disk is gone');
    const after = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
    expect(after).toEqual(before);
    await expect(writeSafetensors(join(folder, 'x.bin'), tensors, { maximumShardBytes: 40 })).rejects.toThrow(
      'expected a name that ends in .safetensors',
    );
  });

  it('may be links to elsewhere, as in the cache of the hub', async () => {
    await writeSafetensors(path(), tensors, { maximumShardBytes: 60 });
    const other = join(folder, 'snapshot');
    mkdirSync(other);
    for (const file of await safetensorsFiles(path())) symlinkSync(file, join(other, file.slice(folder.length + 1)));
    expect((await readSafetensors(join(other, 'model.safetensors'))).tensors.size).toBe(4);
  });

  it.each<[string, unknown, string]>([
    ['too small', { total_size: 5 }, '5'],
    ['below 0', { total_size: -1 }, '-1'],
    ['null', { total_size: null }, 'null'],
    ['text', { total_size: '12' }, '"12"'],
    ['a fraction', { total_size: 12.5 }, '12.5'],
    ['a list', { total_size: [12] }, '[12]'],
  ])('are read with a note where the index says a total size that is %s', async (_, metadata, shown) => {
    const tensor = int32([3], [1, 2, 3]);
    writeFileSync(join(folder, 'a.safetensors'), formatSafetensors({ x: tensor }));
    writeFileSync(indexPath(), JSON.stringify({ metadata, weight_map: { x: 'a.safetensors' } }));
    const file = await openSafetensors(path());
    expect((await file.read('x')).bytes).toEqual(bytesOf(tensor.data));
    expect(file.notes).toEqual([
      `'metadata.total_size' of '${indexPath()}' is ${shown}, but the tensors take 12 bytes; all of them are present`,
    ]);
    await file.close();
  });

  it.each<[string, unknown]>([
    ['right', { total_size: 12 }],
    ['not there', {}],
    ['without its metadata', undefined],
    ['in metadata that are null', null],
    ['in metadata that are a list', [1]],
  ])('are read without a note where the total size is %s', async (_, metadata) => {
    writeFileSync(join(folder, 'a.safetensors'), formatSafetensors({ x: int32([3], [1, 2, 3]) }));
    writeFileSync(indexPath(), JSON.stringify({ metadata, weight_map: { x: 'a.safetensors' } }));
    const file = await openSafetensors(path());
    expect([file.names, file.notes]).toEqual([['x'], []]);
    await file.close();
  });

  it('have a tensor under each name that the index or a file says it shares', async () => {
    const shared = formatSafetensors({ x: int32([1], [7]) }, { metadata: { second: 'x', format: 'pt' } });
    writeFileSync(join(folder, 'a.safetensors'), shared);
    writeFileSync(join(folder, 'b.safetensors'), formatSafetensors({ z: int32([1], [3]) }));
    const map = { x: 'a.safetensors', z: 'b.safetensors' };
    writeFileSync(indexPath(), JSON.stringify({ metadata: { total_size: 8, third: 'z' }, weight_map: map }));
    const { tensors } = await readSafetensors(path());
    expect(Object.fromEntries(Array.from(tensors, ([name, { bytes }]) => [name, bytes[0]]))).toEqual({
      x: 7,
      second: 7,
      z: 3,
      third: 3,
    });
    expect((await openSafetensors(path())).notes).toEqual([]);
  });

  describe('that do not belong together are refused', () => {
    const first = formatSafetensors({ x: int32([1], [1]), y: int32([1], [2]) });
    const second = formatSafetensors({ z: int32([1], [3]) });
    const map = { x: 'a.safetensors', y: 'a.safetensors', z: 'b.safetensors' };
    const files = { 'a.safetensors': first, 'b.safetensors': second };
    const json = (weightMap: unknown, metadata?: unknown): string =>
      JSON.stringify({ metadata, weight_map: weightMap });

    it.each<[string, Record<string, Uint8Array>, string, string]>([
      ['a file is missing', { 'a.safetensors': first }, json(map), 'got no file named b.safetensors. Download'],
      ['all are missing', {}, json(map), 'no file named a.safetensors, b.safetensors'],
      [
        'tensors are missing',
        files,
        json({ ...map, u: 'a.safetensors', v: 'b.safetensors' }),
        "got no 'u' (a.safetensors), 'v' (b.safetensors). ",
      ],
      [
        'a tensor lies elsewhere',
        files,
        json({ ...map, z: 'a.safetensors', y: 'b.safetensors' }),
        "got no 'y' (b.safetensors), 'z' (a.safetensors); 'y' (a.safetensors), 'z' (b.safetensors), which the index does not list there",
      ],
      [
        'a tensor is there twice',
        { ...files, 'b.safetensors': formatSafetensors({ z: int32([1], [3]), x: int32([1], [4]) }) },
        json(map),
        "got twice 'x' (a.safetensors, b.safetensors)",
      ],
      [
        'a tensor is not named',
        files,
        json({ x: map.x, z: map.z }),
        "got 'y' (a.safetensors), which the index does not list there",
      ],
      ['a file is cut', { ...files, 'b.safetensors': second.subarray(0, -1) }, json(map), 'truncated'],
      ['a tensor is named twice', files, '{"weight_map":{"x":"a.safetensors","x":"b.safetensors"}}', 'occurs twice'],
    ])('%s', async (_, there, text, message) => {
      for (const [name, bytes] of Object.entries(there)) writeFileSync(join(folder, name), bytes);
      writeFileSync(indexPath(), text);
      for (const place of [path(), indexPath()]) {
        await expect(openSafetensors(place)).rejects.toThrow(IoError);
        await expect(openSafetensors(place)).rejects.toThrow(message);
      }
      await expect(openSafetensors(path())).rejects.toThrow(folder);
    });

    it.each([
      '../a.safetensors',
      'sub/a.safetensors',
      '/etc/a.safetensors',
      '..\\a.safetensors',
      'C:a.safetensors',
      'a.safetensors\u0000',
      '\u0000.safetensors',
      '.safetensors',
      'a.bin',
      '',
      7,
      null,
    ])('an index that leads to %j', async (name) => {
      mkdirSync(join(folder, 'sub'));
      for (const place of ['a.safetensors', 'sub/a.safetensors']) writeFileSync(join(folder, place), first);
      mkdirSync(join(folder, 'deep'));
      const index = join(folder, 'deep', 'model.safetensors.index.json');
      writeFileSync(index, json({ x: name, y: name }));
      await expect(openSafetensors(index)).rejects.toThrow('Put all files into one folder.');
    });

    it.each([
      ['{"weight_map":{}}', "expected 'weight_map' with the file of each tensor, got {}"],
      ['{"weight_map":[]}', 'got []'],
      ['{}', 'got none'],
      ['[]', 'it is a list'],
      ['', 'JSON object'],
    ])('the text %s', (text, message) => {
      expect(() => parseSafetensorsIndex(new TextEncoder().encode(text))).toThrow(message);
    });
  });

  it('of an index are those that it was written of', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => text !== '__proto__');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, fc.constantFrom('a.safetensors', 'b.safetensors')), { minLength: 1 }),
        (entries) => {
          const map = new Map(entries);
          const read = parseSafetensorsIndex(new TextEncoder().encode(formatSafetensorsIndex(map, 5)));
          expect(new Map([...read.weightMap].sort())).toEqual(new Map([...map].sort()));
          expect(read).toMatchObject({ totalSize: 5, shards: [...new Set(map.values())].sort() });
        },
      ),
    );
  });
});

describe('a checkpoint in several files', () => {
  it('is written, read and told by its content', async () => {
    const source = await readCheckpoint(fixturePath('llamagen'));
    const path = join(folder, 'checkpoint');
    await writeCheckpoint(path, source.config, source.parameters, { maximumShardBytes: 100_000 });
    const names = readdirSync(path);
    expect(names).not.toContain('model.safetensors');
    expect(names).toContain('model.safetensors.index.json');
    expect(names.length).toBeGreaterThan(4);
    const { config, parameters } = await readCheckpoint(path);
    expect(config).toEqual(source.config);
    expect(Object.keys(parameters).sort()).toEqual(Object.keys(source.parameters).sort());
    for (const [name, { data }] of Object.entries(source.parameters)) {
      const read = parameters[name] as HostTensor;
      expect(Buffer.compare(bytesOf(read.data), bytesOf(data))).toBe(0);
    }
    const identity = await checkpointIdentity(path);
    writeFileSync(join(path, 'model-00001-of-00002.safetensors'), 'other');
    expect(await checkpointIdentity(path)).toBe(identity);
    const shardPath = (await safetensorsFiles(join(path, 'model.safetensors')))[1] as string;
    const bytes = readFileSync(shardPath);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    writeFileSync(shardPath, bytes);
    expect(await checkpointIdentity(path)).not.toBe(identity);
    rmSync(shardPath);
    await expect(openCheckpoint(path)).rejects.toThrow('got no file named model-00001-of-');
  });
});
