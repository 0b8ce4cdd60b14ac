import { IoError } from './error.js';

/** Something that takes room in a file. */
export interface Sized {
  readonly bytes: number;
}

/**
 * Groups tensors into files of at most some bytes of data each. They are taken in the order given, and a file is closed when
 * the next one would not fit; one that is larger than a file may be has a file of its own. Hugging Face's libraries group
 * by the same rule, so that the same tensors in the same order come into the same files.
 *
 * @throws IoError if the limit is not a whole number from 1 up.
 */
export function planShards<T extends Sized>(tensors: readonly T[], maximumBytes: number): T[][] {
  if (!Number.isSafeInteger(maximumBytes) || maximumBytes < 1) {
    throw new IoError(`planShards: expected a whole number of bytes from 1 up for a file, got ${maximumBytes}.`);
  }
  const shards: T[][] = [];
  let open: T[] = [];
  let taken = 0;
  for (const tensor of tensors) {
    if (tensor.bytes > maximumBytes) {
      shards.push([tensor]);
      continue;
    }
    if (taken + tensor.bytes > maximumBytes) {
      shards.push(open);
      open = [];
      taken = 0;
    }
    open.push(tensor);
    taken += tensor.bytes;
  }
  if (open.length > 0 || shards.length === 0) shards.push(open);
  return shards;
}

/** Name of part `index` (from 0) of `count`: `model-00001-of-00003.safetensors`. */
export function shardName(stem: string, index: number, count: number): string {
  const digits = (number: number): string => String(number).padStart(5, '0');
  return `${stem}-${digits(index + 1)}-of-${digits(count)}.safetensors`;
}

/** True if a file is named as a part of `stem`. */
export function isShardOf(stem: string, name: string): boolean {
  return name.startsWith(stem) && /^-\d{5,}-of-\d{5,}\.safetensors$/.test(name.slice(stem.length));
}
