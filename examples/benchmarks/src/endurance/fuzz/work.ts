import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { mutated } from '@dpar/fixtures';
import { createRandom } from '@dpar/tensor';
import { readCase } from './case.js';
import type { FuzzReader } from './reader.js';

/** File with the number of the case at work, beside the folder of a reader. It outlives the process. */
export const caseFile = 'case';

/** Folder of a reader's files. */
export const filesFolder = 'files';

/** A damaged file that a reader did not take as it should. */
export interface FuzzFault {
  readonly number: number;
  /** The same for cases with the same cause. */
  readonly kind: string;
  readonly message: string;
}

/** Outcomes of a reader with damaged files so far. */
export interface FuzzCounts {
  readonly read: number;
  readonly refused: number;
}

/** Message of a reader's process. */
export type FuzzMessage = { readonly fault: FuzzFault } | { readonly counts: FuzzCounts };

/** The damaged file of a case, a function of the seed and its number. */
export const damagedFile = (valid: Uint8Array, seed: number, number: number): Uint8Array =>
  mutated(valid, createRandom(seed, number));

/** Cases between two messages of counts. */
const casesOfMessage = 100;

/**
 * Reads damaged files until the time is up.
 * @param place Folder for {@link caseFile} and {@link filesFolder}, which exists and is empty.
 * @param first Number of the first case.
 * @throws the reader's error for the valid file.
 */
export async function fuzz(
  reader: FuzzReader,
  { place, seed, first, milliseconds }: Readonly<Record<'seed' | 'first' | 'milliseconds', number>> & { place: string },
  send: (message: FuzzMessage) => void,
): Promise<void> {
  const folder = join(place, filesFolder);
  const counter = openSync(join(place, caseFile), 'w');
  const valid = await reader.prepare(folder);
  const path = join(folder, reader.file);
  const intact = await readCase(reader, path, valid);
  if (intact.what === 'fault')
    send({ fault: { number: -1, kind: intact.kind, message: `valid file: ${intact.message}` } });
  const counts = { read: 0, refused: 0 };
  const begin = performance.now();
  for (let number = first; performance.now() - begin < milliseconds; number++) {
    writeSync(counter, `${number}`.padEnd(20), 0);
    const outcome = await readCase(reader, path, damagedFile(valid, seed, number));
    if (outcome.what === 'fault') send({ fault: { number, kind: outcome.kind, message: outcome.message } });
    else counts[outcome.what]++;
    if (number % casesOfMessage === 0) {
      send({ counts });
      await setImmediate(); // The message is sent, and timers run.
    }
  }
  send({ counts });
}
