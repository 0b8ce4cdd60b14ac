import { formatStoredType, type StoredType, toHostTensor } from '@dpar/io';
import { DparError } from '@dpar/tensor';
import pMap from 'p-map';
import type { TensorFile } from './layout.js';
import { openTensor, type TensorReader } from './token-file.js';

/** Consecutive elements of a file, and their place in the target. */
export interface Place {
  readonly file: TensorFile;
  /** Number of the first element in the file. */
  readonly from: number;
  /** Index of the first element in the target. */
  readonly to: number;
  readonly count: number;
}

/** Largest number of open files: it hides the latency of a network disk, and is far below the limits of systems. */
const openFiles = 32;

/**
 * Reads places of files into one array. Each file is opened once, and only its header and these places are read.
 * @param target int32 for whole numbers, else float32
 * @returns The target
 * @throws DparError or IoError naming the file, if it is missing or damaged, or has a wrong shape.
 */
export async function readPlaces<A extends Int32Array | Float32Array>(places: readonly Place[], target: A): Promise<A> {
  const groups = new Map<string, Place[]>();
  for (const place of places) {
    const group = groups.get(place.file.path);
    if (group === undefined) groups.set(place.file.path, [place]);
    else group.push(place);
  }
  await pMap(groups.values(), (group) => readGroup(group, target), { concurrency: openFiles });
  return target;
}

async function readGroup(group: readonly Place[], target: Int32Array | Float32Array): Promise<void> {
  const [{ file }] = group as [Place];
  const reader = await openTensor(file.path, file.tensor);
  try {
    checkType(reader.type, file);
    for (const place of merged(group)) await readPlace(reader, place, target);
  } finally {
    await reader.close();
  }
}

async function readPlace(reader: TensorReader, place: Place, target: Int32Array | Float32Array): Promise<void> {
  const { path, tensor } = place.file;
  const { dtype, data } = toHostTensor(await reader.readRange(place.from, place.count), `'${tensor}' of '${path}'`);
  const expected = target instanceof Int32Array ? 'int32' : 'float32';
  if (dtype !== expected) {
    const numbers = expected === 'int32' ? 'whole numbers' : 'floating-point numbers';
    throw new DparError(
      `readPlaces: expected ${numbers} as ${tensor} in '${path}', got ${reader.type.dtype}. Convert the file.`,
    );
  }
  target.set(data as Int32Array, place.to);
}

function checkType(type: StoredType, { path, tensor, images, perImage, lastAxis }: TensorFile): void {
  const elements = type.shape.reduce((product, size) => product * size, 1);
  if (elements === images * perImage && (lastAxis === undefined || type.shape.at(-1) === lastAxis)) return;
  const variants = lastAxis === undefined || perImage === lastAxis ? '' : ` in ${perImage / lastAxis} variants`;
  const each = lastAxis === undefined ? '' : ` with ${lastAxis} ${tensor} each`;
  throw new DparError(
    `readPlaces: expected ${tensor} of ${images} ${images === 1 ? 'image' : 'images'}${variants}${each} in '${path}', ` +
      `as in the rest of the data, got ${formatStoredType(type)}. Write the file again in the form of the others.`,
  );
}

/** Joins places that follow one another both in the file and in the target. */
function merged(group: readonly Place[]): Place[] {
  const result: Place[] = [];
  for (const place of group) {
    const last = result.at(-1);
    if (last !== undefined && last.from + last.count === place.from && last.to + last.count === place.to) {
      result[result.length - 1] = { ...last, count: last.count + place.count };
    } else result.push(place);
  }
  return result;
}
