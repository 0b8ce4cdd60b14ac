import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { contentDigest, writeSafetensors } from '@dpar/io/node';
import { float32, int32 } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { parseShardRecord, runDigest, shardRecord } from './record.js';
import { openShard, type TensorShard, writeShard } from './shard.js';

const tensors = { tokens: int32([2, 3], [1, 2, 3, 4, 5, 6]), entropies: float32([2, 1], [0.5, 2]) };
const items = { first: 4, count: 2, total: 9 };

it('a shard tells what it holds and was made with, and any change of a byte is found', async () => {
  const path = join(await temporaryFolder(), 'a.safetensors');
  await writeShard(path, tensors, await shardRecord(items, { seed: 3, checkpoint: 'x' }, tensors), { more: 'yes' });
  const shard = (await openShard(path)) as TensorShard;
  expect(shard.record).toEqual({
    ...items,
    run: runDigest({ checkpoint: 'x', seed: 3 }),
    digest: await contentDigest(tensors),
  });
  expect(shard.metadata.more).toBe('yes');
  expect(await shard.isWhole()).toBe(true);
  expect((await shard.tensors()).get('tokens')).toEqual(await shard.read('tokens'));
  const bytes = await readFile(path);
  for (let at = bytes.length - 32; at < bytes.length; at++) {
    await writeFile(
      path,
      bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
    );
    await expect(shard.tensors()).rejects.toThrow('The shard is damaged: make it again.');
    expect(await shard.isWhole()).toBe(false);
  }
  await writeSafetensors(path, tensors);
  expect(await openShard(path)).toBeUndefined();
});

it('digests depend on names, shapes and values, and on nothing else', async () => {
  const { tokens, entropies } = tensors;
  const digest = await contentDigest(tensors);
  expect(await contentDigest({ entropies, tokens })).toBe(digest);
  const others = [
    { tokens },
    { a: tokens, entropies },
    { tokens: int32([3, 2], [1, 2, 3, 4, 5, 6]), entropies },
    { tokens: int32([2, 3], [1, 2, 3, 4, 5, 7]), entropies },
  ];
  for (const other of others) expect(await contentDigest(other)).not.toBe(digest);
  expect(runDigest({ a: 1, b: 'x' })).toBe(runDigest({ b: 'x', a: 1 }));
  expect(runDigest({ a: 1, b: 'x' })).not.toBe(runDigest({ a: 1, b: 'y' }));
});

it.each([
  '{}',
  '{"first":-1,"count":1,"total":9,"run":"a","digest":"b"}',
  '{"first":9,"count":1,"total":9,"run":"a","digest":"b"}',
  '{"first":0.5,"count":1,"total":9,"run":"a","digest":"b"}',
  '{"first":0,"count":1,"total":9,"run":"a"}',
  '{"first":0,"count":1,"total":9,"run":"a","digest":"b","settings":[]}',
])('refuses %s as a record', (text) => {
  expect(() => parseShardRecord("'x'", new TextEncoder().encode(text))).toThrow(
    "expected the record of a shard in 'x'",
  );
});
