import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { npzChunks, toHostTensor } from '@dpar/io';
import { readSafetensors, writeFileAtomic } from '@dpar/io/node';
import { int32 } from '@dpar/tensor';
import { beforeEach, expect, it } from 'vitest';
import { checkShards } from './arrange.js';
import { mergeFiles, mergeTensors, type PlacedShard } from './merge.js';
import { openNpzShard, withNpzRecord } from './npz-shard.js';
import { shardRecord } from './record.js';
import { openShard, writeShard } from './shard.js';

const settings = { seed: 1 };
let folder = '';
const shards: PlacedShard[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  shards.length = 0;
  for (const [first, lengths] of [
    [2, [5]],
    [0, [3, 4, 1, 0]],
  ] as const) {
    const count = 2 - first / 2;
    const tensors = { lengths: int32([count, lengths.length / count], [...lengths]), label: int32([count]) };
    const input = join(folder, `from-${first}`);
    await mkdir(input);
    await writeFile(join(input, 'about.json'), '{}');
    const record = await shardRecord({ first, count, total: 3 }, settings, tensors);
    await writeShard(join(input, `${first}.safetensors`), tensors, record);
    const shard = await openShard(join(input, `${first}.safetensors`));
    shards.push({ ...(shard as NonNullable<typeof shard>), input });
  }
});

it('tensors follow one another in the order of their items, rows padded to one width', async () => {
  const path = join(folder, 'merged.safetensors');
  const done: number[] = [];
  const ordered = await checkShards(shards, { items: 'rows' });
  await mergeTensors(path, ordered, { made: 'here' }, (items) => void done.push(items));
  const { tensors, metadata } = await readSafetensors(path);
  expect(metadata).toEqual({ made: 'here' });
  expect(toHostTensor(tensors.get('lengths') as never)).toEqual(int32([3, 2], [3, 4, 1, 0, 5, 0]));
  expect(tensors.get('label')?.shape).toEqual([3]);
  expect(done).toEqual([2, 3]);
});

it('refuses tensors of other types, with the type', async () => {
  const path = join(folder, 'other.safetensors');
  const tensors = { lengths: int32([1, 1, 1]), label: int32([1]) };
  await writeShard(path, tensors, await shardRecord({ first: 2, count: 1, total: 3 }, settings, tensors));
  const other = await openShard(path);
  await expect(
    mergeTensors(join(folder, 'x.safetensors'), [shards[1] as PlacedShard, other as NonNullable<typeof other>]),
  ).rejects.toThrow(
    `expected 'lengths' of type I32 and shape [2, 2] as in '${shards[1]?.name}', got I32 and [1, 1, 1]`,
  );
});

it('files are placed in one folder, and another file there is refused', async () => {
  const output = join(folder, 'merged');
  for (const _ of [1, 2]) await mergeFiles(output, shards, ['about.json', 'none.json']);
  for (const { name } of shards) expect(await readFile(join(output, basename(name)))).toEqual(await readFile(name));
  expect(await readFile(join(output, 'about.json'), 'utf8')).toBe('{}');
  await writeFile(join(shards[0]?.input ?? '', 'about.json'), '[]');
  await expect(mergeFiles(output, shards, ['about.json'])).rejects.toThrow('Choose another folder.');
});

it('names damaged shards', async () => {
  await writeFile(shards[0]?.name ?? '', 'damaged');
  await expect(checkShards(shards, { items: 'rows' })).rejects.toThrow(
    `expected rows 0-2 once each, got none of 2; damaged shards '${shards[0]?.name}'.`,
  );
});

it('an .npz file with a record is a shard', async () => {
  const path = join(folder, 'a.npz');
  const arrays = () => ({ arr_0: { dtype: 'U8', shape: [2, 1], chunks: [Uint8Array.of(1, 2)] } }) as const;
  const record = await shardRecord({ first: 0, count: 2, total: 2 }, settings, arrays(), true);
  await writeFileAtomic(path, npzChunks(withNpzRecord(arrays(), record)));
  const shard = await openNpzShard(path);
  expect(shard?.record).toEqual(record);
  expect(await shard?.isWhole()).toBe(true);
  await writeFileAtomic(
    path,
    npzChunks(withNpzRecord({ arr_0: { ...arrays().arr_0, chunks: [Uint8Array.of(1, 3)] } }, record)),
  );
  expect(await (await openNpzShard(path))?.isWhole()).toBe(false);
  await writeFileAtomic(path, npzChunks(arrays()));
  expect(await openNpzShard(path)).toBeUndefined();
});
