import { npzChunks, toHostTensor } from '@dpar/io';
import { writeFileAtomic, writeSafetensors } from '@dpar/io/node';
import { Grid, gridColumns, gridLayout, type ImageDecoder } from '@dpar/pipeline';
import { openNpzShard, openShard, type PartContent, shardRecord, withNpzRecord, writeShard } from '@dpar/shards';
import { int32 } from '@dpar/tensor';
import { labelledGrid } from '../images/labelled-grid.js';
import type { FileFormat } from './file-writer.js';
import type { SamplePlan } from './plan.js';

/** `.safetensors`: `tokens` [N, T], `patch_lengths` [N, M] padded with zeros, `labels` [N]. */
export function tokenFormat(plan: SamplePlan): FileFormat {
  const { output, labels, tokensPerImage: T } = plan;
  const N = labels.length;
  return {
    types: { tokens: ['I32', [T]], patch_lengths: ['I32', [T]] },
    openShard: () => openShard(output),
    partOf: async ({ tokens, patchLengths }, count) => ({
      tokens: int32([count, T], tokens),
      patch_lengths: int32([count, T], patchLengths),
    }),
    write: async (parts) => {
      const tokens = new Int32Array(N * T);
      const patchLengths = new Int32Array(N * T);
      for await (const part of parts()) {
        tokens.set(rowsOf(part, 'tokens'), part.start * T);
        patchLengths.set(rowsOf(part, 'patch_lengths'), part.start * T);
      }
      const M = withoutPadding(patchLengths, N, T);
      const tensors = {
        tokens: int32([N, T], tokens),
        patch_lengths: int32([N, M], patchLengths.subarray(0, N * M)),
        labels: int32([N], labels),
      };
      if (plan.isShard) {
        await writeShard(output, tensors, await shardRecord(itemsOf(plan), plan.settings, tensors, true));
      } else await writeSafetensors(output, tensors);
    },
  };
}

/** Images of the run that the output of a plan has. */
function itemsOf({ first, labels, total }: SamplePlan) {
  return { first, count: labels.length, total };
}

function rowsOf({ tensors }: PartContent, name: string): Int32Array {
  const tensor = tensors.get(name);
  return tensor === undefined ? new Int32Array() : Int32Array.from(toHostTensor(tensor).data);
}

/** Moves rows of T together, [N, T] to [N, M], where M is the longest without the zeros at its end. @returns M */
function withoutPadding(rows: Int32Array, N: number, T: number): number {
  let M = 0;
  for (let i = 0; i < N; i++) {
    while (M < T && rows[i * T + M] !== 0) M++;
  }
  for (let i = 0; i < N; i++) rows.copyWithin(i * M, i * T, i * T + M);
  return M;
}

/** Pixels of a batch, as both kinds of image files keep them. */
function pixels(decoder: ImageDecoder): Pick<FileFormat, 'types' | 'partOf'> {
  const S = decoder.imageSize;
  return {
    types: { images: ['U8', [S, S, 3]] },
    partOf: async ({ tokens }, count) => {
      const { data } = await decoder.decode(tokens, count);
      return { images: { dtype: 'U8', shape: [count, S, S, 3], bytes: data } };
    },
  };
}

const pixelsOf = ({ tensors }: PartContent): Uint8Array => tensors.get('images')?.bytes ?? new Uint8Array();

/** `.npz` as ADM's sample batches: images uint8 [N, S, S, 3] and labels int64 [N]. A shard has a record too, for `dpar merge`. */
export function imageArrayFormat(plan: SamplePlan, decoder: ImageDecoder): FileFormat {
  const { output, labels, settings, isShard } = plan;
  const S = decoder.imageSize;
  const N = labels.length;
  const wide = new BigInt64Array(Array.from(labels, BigInt));
  const labelArray = { dtype: 'I64', shape: [N], chunks: [new Uint8Array(wide.buffer)] } as const;
  const arraysOf = (parts: AsyncIterable<PartContent>) => ({
    arr_0: { dtype: 'U8' as const, shape: [N, S, S, 3], chunks: mapParts(parts, pixelsOf) },
    arr_1: labelArray,
  });
  return {
    ...pixels(decoder),
    openShard: () => openNpzShard(output),
    write: async (parts) => {
      const record = isShard ? await shardRecord(itemsOf(plan), settings, arraysOf(parts()), true) : undefined;
      const arrays = arraysOf(parts());
      await writeFileAtomic(output, npzChunks(record ? withNpzRecord(arrays, record) : arrays));
    },
  };
}

async function* mapParts<V>(parts: AsyncIterable<PartContent>, map: (part: PartContent) => V): AsyncGenerator<V> {
  for await (const part of parts) yield map(part);
}

/** `.png`: all images in one picture. @throws CommandError if there are too many for one. */
export function gridFormat({ output, labels, classes, gridNames }: SamplePlan, decoder: ImageDecoder): FileFormat {
  const size = decoder.imageSize;
  const layout = gridLayout(labels.length, gridColumns(labels.length, classes), size);
  return {
    ...pixels(decoder),
    write: async (parts) => {
      const grid = new Grid(layout);
      for await (const part of parts()) grid.draw(part.start, { data: pixelsOf(part), size });
      await writeFileAtomic(output, gridNames ? await labelledGrid(grid.picture, gridNames) : grid.png());
    },
  };
}
