import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type StoredTensor, toHostTensor } from '@dpar/io';
import {
  agreeOnSettings,
  contentDigest,
  type ItemRange,
  makeFolder,
  parseShardRecord,
  readNpy,
  runDigest,
  type ShardRecord,
  shardRecord,
  writeJson,
  writeNpy,
  writeSettings,
} from '@dpar/io/node';
import { int32 } from '@dpar/tensor';
import { CommandError } from '../command/errors.js';
import { type TokenPlan, type TokenWriter, tokenSettingsFile } from './token-writer.js';

/** What the folder ends in that has a record of each part beside LlamaGen's files, which have no room for it. */
export const recordsEnd = '_records';

/** A part in LlamaGen's layout: images `first` to `first + count - 1` in files of their own. */
export interface LlamaGenPart {
  readonly record: ShardRecord;
  /** `<name>_codes` and `<name>_labels`. */
  readonly codes: string;
  readonly labels: string;
}

/** Reads the record of a part. @throws IoError if there is none, or it is damaged. */
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
 * @throws IoError or CommandError if a file is missing or damaged, or they are not those that the record tells.
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
  throw new CommandError(
    `expected the codes and labels that their record tells in '${part.codes}', got others among images ` +
      `${part.record.first} to ${part.record.first + count - 1}. Make them again.`,
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
 * @throws IoError if the folder holds other tokens; CommandError if a part of it is of another run.
 */
export async function createLlamaGenWriter(plan: TokenPlan, name: string): Promise<TokenWriter> {
  const { output, images, variants: V, tokensPerImage: T, partImages, ours, settings } = plan;
  const [codes, labelled] = ['codes', 'labels'].map((what) => join(output, `${name}_${what}`)) as [string, string];
  const records = join(output, `${name}${recordsEnd}`);
  const settingsPath = join(output, tokenSettingsFile);
  const agree = (): Promise<boolean> =>
    agreeOnSettings(settingsPath, settings, `choose another folder than '${output}'`);
  let agreed = await agree();
  await Promise.all([codes, labelled, records].map((folder) => makeFolder(folder)));
  const recordOf = ({ start, count }: ItemRange): string =>
    join(records, `${[start, start + count - 1].map((i) => String(i).padStart(6, '0')).join('-')}.json`);

  const isThere = async (range: ItemRange): Promise<boolean> => {
    const path = recordOf(range);
    const record = existsSync(path) ? await readLlamaGenRecord(path).catch(() => undefined) : undefined;
    if (record === undefined) return false;
    if (record.run !== runDigest(settings)) {
      throw new CommandError(
        `expected parts of the run ${runDigest(settings)} that '${settingsPath}' tells, got one of ${record.run} in ` +
          `'${path}'. Move it away.`,
      );
    }
    const isOurs = range.start >= ours.start && range.start < ours.start + ours.count;
    const part = { record, codes, labels: labelled };
    return !isOurs || readLlamaGenPart(part).then(Boolean, () => false);
  };
  const there = new Uint8Array(images);
  for (let start = 0; start < images; start += partImages) {
    const count = Math.min(partImages, images - start);
    if (await isThere({ start, count })) there.fill(1, start, start + count);
  }
  return {
    there,
    async add(range, tokens, labels) {
      const { start, count } = range;
      if (!agreed && !(await agree())) await writeSettings(settingsPath, settings);
      agreed = true;
      for (let i = 0; i < count; i++) {
        const file = `${start + i}.npy`;
        await writeNpy(join(codes, file), int64([1, V, T], tokens.subarray(i * V * T, (i + 1) * V * T)));
        await writeNpy(join(labelled, file), int64([1], labels.subarray(i, i + 1)));
      }
      const content = {
        tokens: int32(V === 1 ? [count, T] : [count, V, T], tokens),
        labels: int32([count], labels),
      };
      await writeJson(recordOf(range), await shardRecord({ first: start, count, total: images }, settings, content));
      there.fill(1, start, start + count);
    },
    read: async (image) => Int32Array.from(toHostTensor(await readNpy(join(codes, `${image}.npy`))).data),
  };
}

function int64(shape: readonly number[], values: Int32Array): StoredTensor {
  const data = BigInt64Array.from(values, BigInt);
  return { dtype: 'I64', shape, bytes: new Uint8Array(data.buffer) };
}
