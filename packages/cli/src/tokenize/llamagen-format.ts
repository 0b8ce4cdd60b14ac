import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type StoredTensor, toHostTensor } from '@dpar/io';
import { readNpy, writeJson, writeNpy } from '@dpar/io/node';
import { checkContent, type ItemRange, type PartFormat, parseShardRecord, type TensorShard } from '@dpar/shards';

/** End of the name of the folder with the records of parts. LlamaGen's files have no room for records. */
export const recordsEnd = '_records';

/** Tensors of a part, and the ends of the names of LlamaGen's folders for them. */
const folderEnds = { tokens: '_codes', labels: '_labels' } as const;

const tensorNames = ['tokens', 'labels'] as const;

/**
 * LlamaGen's layout: `<name>_codes/<i>.npy` with [1, V, T] and `<name>_labels/<i>.npy` with [1], both int64, and for each
 * finished part its record as a shard, `<name>_records/000000-000255.json`. The tensors of a part are `tokens` [count, V, T],
 * [count, T] for one variant, and `labels` [count], both int32.
 */
export const llamaGenFormat: PartFormat = {
  extension: 'json',
  async write(path, tensors, record) {
    for (const name of tensorNames) {
      const { shape, bytes } = tensors.get(name) as StoredTensor;
      const values = new Int32Array(bytes.slice().buffer);
      const length = values.length / record.count;
      const rowShape = shape.length === 2 ? [1, 1, length] : [1, ...shape.slice(1)];
      for (let i = 0; i < record.count; i++) {
        const row = BigInt64Array.from(values.subarray(i * length, (i + 1) * length), BigInt);
        const array = { dtype: 'I64', shape: rowShape, bytes: new Uint8Array(row.buffer) } as const;
        await writeNpy(fileOf(path, name, record.first + i), array);
      }
    }
    await writeJson(path, record);
  },
  open: openLlamaGenShard,
};

/** Files of the tensors of some images. @param records Folder of the records. */
export function filesOf(records: string, { start, count }: ItemRange): string[] {
  const images = Array.from({ length: count }, (_, i) => start + i);
  return tensorNames.flatMap((name) => images.map((image) => fileOf(join(records, 'any'), name, image)));
}

/** Path of the file with a tensor of an image. @param record Path of the record of its part. */
function fileOf(record: string, name: (typeof tensorNames)[number], image: number): string {
  return join(`${dirname(record).slice(0, -recordsEnd.length)}${folderEnds[name]}`, `${image}.npy`);
}

/** Opens a part in LlamaGen's layout; undefined if its record is missing or damaged. */
export async function openLlamaGenShard(path: string): Promise<TensorShard | undefined> {
  const record = await readFile(path)
    .then((bytes) => parseShardRecord(`'${path}'`, bytes))
    .catch(() => undefined);
  if (record === undefined) return undefined;
  const { first, count } = record;
  const read = async (name: string): Promise<StoredTensor> => {
    const rows = [];
    for (let i = 0; i < count; i++) {
      const file = fileOf(path, name === 'tokens' ? 'tokens' : 'labels', first + i);
      rows.push(toHostTensor(await readNpy(file), `'${file}'`));
    }
    const [, ...rowShape] = rows[0]?.shape ?? [];
    const values = Int32Array.from(rows.flatMap(({ data }) => Array.from(data)));
    const shape = [count, ...(rowShape[0] === 1 ? rowShape.slice(1) : rowShape)];
    return { dtype: 'I32', shape, bytes: new Uint8Array(values.buffer) };
  };
  const tensors = async () =>
    checkContent(
      path,
      record,
      new Map([
        ['tokens', await read('tokens')],
        ['labels', await read('labels')],
      ]),
    );
  return {
    name: path,
    record,
    files: () => {
      const images = Array.from({ length: count }, (_, i) => first + i);
      return [...images.flatMap((image) => tensorNames.map((name) => fileOf(path, name, image))), path];
    },
    metadata: {},
    types: tensors,
    read,
    tensors,
    isWhole: () => tensors().then(Boolean, () => false),
  };
}
