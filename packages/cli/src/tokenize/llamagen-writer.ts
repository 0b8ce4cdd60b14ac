import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type StoredTensor, toHostTensor } from '@dpar/io';
import { contentDigest, makeFolder, readNpy, writeJson, writeNpy } from '@dpar/io/node';
import {
  checkRun,
  type ItemRange,
  parseShardRecord,
  partName,
  partsOf,
  RunSettings,
  type ShardItems,
  type ShardRecord,
  shardRecord,
} from '@dpar/shards';
import { int32 } from '@dpar/tensor';
import { CommandError } from '../errors.js';
import { type TokenPlan, type TokenWriter, tokenSettingsFile } from './token-writer.js';

/** End of the name of the folder with the records of parts. LlamaGen's files have no room for records. */
export const recordsEnd = '_records';

/** A part in LlamaGen's layout: images `first` to `first + count - 1` in files of their own. */
export interface LlamaGenPart {
  readonly record: ShardRecord;
  /** `<name>_codes` and `<name>_labels`. */
  readonly codes: string;
  readonly labels: string;
}

/** Reads the record of a part. @throws IoError if the file is missing or damaged. */
export async function readLlamaGenRecord(path: string): Promise<ShardRecord> {
  return parseShardRecord(`'${path}'`, await readFile(path));
}

/** The files of a part, codes and labels of each image in turn. */
export function filesOf({ record: { first, count }, codes, labels }: LlamaGenPart): string[] {
  return Array.from({ length: count }, (_, i) => `${first + i}.npy`).flatMap((file) => [
    join(codes, file),
    join(labels, file),
  ]);
}

/**
 * Tokens [count, V, T], [count, T] for one variant, and labels [count] of a part, int32.
 * @throws IoError or CommandError if a file is missing or damaged, or does not match the record.
 */
export async function readLlamaGenPart(part: LlamaGenPart): Promise<{ tokens: StoredTensor; labels: StoredTensor }> {
  const { count, digest } = part.record;
  const numbers: { shape: readonly number[]; data: number[] }[] = [];
  for (const file of filesOf(part)) {
    const { shape, data } = toHostTensor(await readNpy(file), `'${file}'`);
    numbers.push({ shape, data: Array.from(data) });
  }
  const [codes, labels] = [0, 1].map((odd) => numbers.filter((_, i) => i % 2 === odd).flatMap(({ data }) => data));
  const [, V = 1, T = 0] = numbers[0]?.shape ?? [];
  const tensors = tensorsOf(count, V, T, Int32Array.from(codes ?? []), Int32Array.from(labels ?? []));
  if (tensors !== undefined && digest === (await contentDigest(tensors))) return tensors;
  const range = `images ${part.record.first} to ${part.record.first + count - 1}`;
  throw new CommandError(
    `expected codes and labels of ${range} with the digest ${digest} in '${part.codes}', got changed files. Make them again.`,
  );
}

function tensorsOf(count: number, V: number, T: number, codes: Int32Array, labels: Int32Array) {
  if (codes.length !== count * V * T || labels.length !== count) return undefined;
  const stored = (shape: readonly number[], data: Int32Array): StoredTensor => ({
    ...{ dtype: 'I32', shape },
    bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  });
  return {
    tokens: stored(V === 1 ? [count, T] : [count, V, T], codes),
    labels: stored([count], labels),
  };
}

/**
 * LlamaGen's layout: `<name>_codes/<i>.npy` with [1, V, T] and `<name>_labels/<i>.npy` with [1], both int64, and for each
 * finished part its record as a shard, `<name>_records/000000-000255.json`.
 * @throws IoError if the folder has tokens of another run.
 */
export async function createLlamaGenWriter(plan: TokenPlan, name: string): Promise<TokenWriter> {
  const { output, images, variants: V, tokensPerImage: T, partImages, ours } = plan;
  const [codes, labelled] = ['codes', 'labels'].map((what) => join(output, `${name}_${what}`)) as [string, string];
  const records = join(output, `${name}${recordsEnd}`);
  const remedy = `choose another folder than '${output}'`;
  const settings = await RunSettings.open(join(output, tokenSettingsFile), plan.settings, remedy);
  await Promise.all([codes, labelled, records].map((folder) => makeFolder(folder)));
  const itemsOf = ({ start, count }: ItemRange): ShardItems => ({ first: start, count, total: images });
  const recordOf = (range: ItemRange): string => join(records, `${partName(itemsOf(range))}.json`);

  const isThere = async (range: ItemRange): Promise<boolean> => {
    const path = recordOf(range);
    const record = await readLlamaGenRecord(path).catch(() => undefined);
    if (record === undefined) return false;
    checkRun(settings, { name: path, record });
    const isOurs = range.start >= ours.start && range.start < ours.start + ours.count;
    return !isOurs || readLlamaGenPart({ record, codes, labels: labelled }).then(Boolean, () => false);
  };
  const there = new Uint8Array(images);
  for (const range of partsOf({ start: 0, count: images }, partImages)) {
    if (await isThere(range)) there.fill(1, range.start, range.start + range.count);
  }
  return {
    there,
    async add(range, tokens, labels) {
      const { start, count } = range;
      await settings.write();
      for (let i = 0; i < count; i++) {
        const file = `${start + i}.npy`;
        await writeNpy(join(codes, file), int64([1, V, T], tokens.subarray(i * V * T, (i + 1) * V * T)));
        await writeNpy(join(labelled, file), int64([1], labels.subarray(i, i + 1)));
      }
      const content = {
        tokens: int32(V === 1 ? [count, T] : [count, V, T], tokens),
        labels: int32([count], labels),
      };
      await writeJson(recordOf(range), await shardRecord(itemsOf(range), plan.settings, content));
      there.fill(1, start, start + count);
    },
    read: async (image) => Int32Array.from(toHostTensor(await readNpy(join(codes, `${image}.npy`))).data),
  };
}

function int64(shape: readonly number[], values: Int32Array): StoredTensor {
  const data = BigInt64Array.from(values, BigInt);
  return { dtype: 'I64', shape, bytes: new Uint8Array(data.buffer) };
}
