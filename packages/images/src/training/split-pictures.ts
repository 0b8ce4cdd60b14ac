import { createHash } from 'node:crypto';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Numbers of the pictures of each part, ascending. */
export interface PictureSplit {
  readonly training: readonly number[];
  readonly validation: readonly number[];
}

/**
 * Holds pictures out for validation, chosen by a hash of their names. A picture stays in its part when others are added or removed.
 * Two or more pictures give each part at least one.
 * @param paths Paths relative to the folder, with slashes. Accents may be composed or not, as systems write them.
 * @param share Share of the pictures that is held out, from 0 to below 1.
 * @throws DparError if the share is out of range.
 */
export function splitPictures(paths: readonly string[], share: number): PictureSplit {
  checkArguments('splitPictures', { paths, share }, { paths: 'string[]', share: 'number' });
  if (!(share >= 0 && share < 1)) {
    throw new DparError(`splitPictures: expected a share from 0 to below 1, got ${share}. Pass 0.05 to hold out 5%.`);
  }
  const places = paths.map(placeOf);
  const validation = places.flatMap((place, i) => (place < share ? [i] : []));
  if (share > 0 && paths.length > 1) {
    const [lowest, highest] = [places.indexOf(least(places)), places.indexOf(-least(places.map((place) => -place)))];
    if (validation.length === 0) validation.push(lowest);
    if (validation.length === paths.length) validation.splice(validation.indexOf(highest), 1);
  }
  const held = new Set(validation);
  return { training: places.flatMap((_, i) => (held.has(i) ? [] : [i])), validation };
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

/** Number in [0, 1) from the hash of a name. */
function placeOf(path: string): number {
  return createHash('sha256').update(path.normalize('NFC')).digest().readUIntBE(0, 6) / 2 ** 48;
}
