import { readFile } from 'node:fs/promises';
import type { HostTensor } from '@dpar/tensor';
import { writeFileAtomic } from './atomic-file.js';
import { formatNpy, type NpyOptions, parseNpy } from './npy.js';
import { formatNpz, type NpzReadOptions, type NpzWriteOptions, parseNpz } from './npz.js';
import type { WritableTensors } from './safetensors.js';
import type { StoredTensor } from './stored.js';

/** Reads a NumPy `.npy` file of at most 2 GiB; see `parseNpy`. */
export async function readNpy(path: string): Promise<StoredTensor> {
  return parseNpy(await readFile(path));
}

/** Writes a NumPy `.npy` file atomically; see `formatNpy`. */
export async function writeNpy(path: string, tensor: HostTensor | StoredTensor, options?: NpyOptions): Promise<void> {
  await writeFileAtomic(path, formatNpy(tensor, options));
}

/** Reads a NumPy `.npz` archive of at most 2 GiB; see `parseNpz`. */
export async function readNpz(path: string, options?: NpzReadOptions): Promise<Map<string, StoredTensor>> {
  return parseNpz(await readFile(path), options);
}

/** Writes a NumPy `.npz` archive atomically; see `formatNpz`. */
export async function writeNpz(path: string, tensors: WritableTensors, options?: NpzWriteOptions): Promise<void> {
  await writeFileAtomic(path, formatNpz(tensors, options));
}
