import { contentDigest } from '@dpar/io/node';
import { parseShardRecord, type ShardRecord } from '@dpar/shards';
import { decode } from 'fast-png';
import { checkArguments } from '../check-arguments.js';
import { type RgbImage, rgbImageKinds } from '../image-set.js';

/** Keyword of the text in a PNG file that is its record as a shard of a run. */
export const pngRecordKey = 'shard';

/** What the digest of an image in a record is of. */
export function pngContent(image: RgbImage) {
  checkArguments('pngContent', { image }, { image: rgbImageKinds });
  const { width, height, data } = image;
  return { image: { dtype: 'U8' as const, shape: [height, width, 3], bytes: data } };
}

/** The record of a PNG file of `dpar sample`, whose pixels it tells; undefined if it has none, or is damaged. */
export async function readPngRecord(bytes: Uint8Array): Promise<ShardRecord | undefined> {
  checkArguments('readPngRecord', { bytes }, { bytes: 'Uint8Array' });

  try {
    const { width, height, data, text } = decode(bytes, { checkCrc: true });
    const record = parseShardRecord('a PNG file', new TextEncoder().encode(text[pngRecordKey] ?? ''));
    if (!(data instanceof Uint8Array)) return undefined;
    return record.digest === (await contentDigest(pngContent({ width, height, data }))) ? record : undefined;
  } catch {
    return undefined;
  }
}
