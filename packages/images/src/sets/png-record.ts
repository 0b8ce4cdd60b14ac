import { contentDigest } from '@dpar/io/node';
import { parseShardRecord, type ShardRecord } from '@dpar/shards';
import { decode } from 'fast-png';
import { checkArguments } from '../check-arguments.js';
import { type RgbImage, rgbImageKinds } from '../image-set.js';

/** Keyword of the PNG text that holds the record of an image as a shard of a run. */
export const pngRecordKey = 'shard';

/** Content of an image for the digest in its record. */
export function pngContent(image: RgbImage) {
  checkArguments('pngContent', { image }, { image: rgbImageKinds });
  const { width, height, data } = image;
  return { image: { dtype: 'U8' as const, shape: [height, width, 3], bytes: data } };
}

/** Reads the record of a PNG file of `dpar sample`. Undefined if it is missing or does not match the pixels. */
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
