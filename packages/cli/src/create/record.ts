import { join } from 'node:path';
import { readJson, writeJson } from '@dpar/io/node';
import { CommandError } from '../command/errors.js';
import type { PictureFacts } from './pictures.js';
import type { Plan } from './plan.js';
import type { StageRecord, TokenModel } from './stage.js';

/** Options of the command by their names on the command line, as given. They must not change in a run. */
export type GivenSettings = Readonly<Record<string, string | number | boolean | readonly string[] | null>>;

/** Work of a time budget. A second round continues the training of a finished run. */
export interface Round {
  readonly minutes: number;
  readonly plan: Plan;
  readonly stages: StageRecord[];
  /** Checkpoints that the round started from. */
  readonly start?: { readonly tokenizer: string; readonly folders: Readonly<Partial<Record<TokenModel, string>>> };
}

/** Content of `create.json`. */
export interface CreateRecord {
  readonly settings: GivenSettings;
  readonly pictures: PictureFacts;
  readonly rounds: Round[];
}

/** Name of the record in the folder of a run. */
export const recordFile = 'create.json';

/** True if all stages of a round are done. */
export const isFinished = ({ stages }: Round): boolean => stages.every(({ done }) => done);

/** Reads the record of a run. @returns undefined if there is none. @throws CommandError for a file of another form. */
export async function readRecord(folder: string): Promise<CreateRecord | undefined> {
  const path = join(folder, recordFile);
  const json = await readJson(path);
  if (json === undefined) return undefined;
  if (!Array.isArray(json.rounds) || typeof json.settings !== 'object' || typeof json.pictures !== 'object') {
    throw new CommandError(
      `expected the record of a run of 'dpar create' in '${path}', got other JSON. Choose another --output.`,
    );
  }
  return json as unknown as CreateRecord;
}

/** Writes the record of a run atomically. */
export function writeRecord(folder: string, record: CreateRecord): Promise<void> {
  return writeJson(join(folder, recordFile), record);
}

/**
 * Checks that a run is resumed with the settings and the pictures that it was started with.
 * @throws CommandError naming what differs, with the remedy.
 */
export function checkResumable(
  record: CreateRecord,
  settings: GivenSettings,
  pictures: PictureFacts,
  output: string,
): void {
  const names = [...new Set([...Object.keys(record.settings), ...Object.keys(settings)])];
  const shown = (value: unknown): string => (value === null || value === undefined ? 'none' : JSON.stringify(value));
  const changed = names
    .filter((name) => shown(record.settings[name]) !== shown(settings[name]))
    .map((name) => `${name} ${shown(settings[name])} in place of ${shown(record.settings[name])}`);
  if (changed.length > 0) {
    throw new CommandError(
      `expected the settings that the run in '${output}' was started with, got ${changed.join(', ')}. ` +
        'Repeat the original ones, or choose another --output.',
    );
  }
  const before = record.pictures;
  if (before.identity === pictures.identity) return;
  const counts =
    before.images === pictures.images
      ? 'the same number with other names or sizes'
      : `${pictures.images} in place of ${before.images}`;
  throw new CommandError(
    `expected the pictures that the run in '${output}' was started with, got ${counts}. To train its models further on the ` +
      `present pictures, choose another --output and pass --from '${output}'.`,
  );
}

/**
 * Chooses the round that a command works on.
 * @returns Its number; that of a new round if the run is finished and more minutes are given.
 * @throws CommandError if the minutes are those of no round.
 */
export function chooseRound({ rounds }: CreateRecord, minutes: number, output: string): number {
  const last = rounds.at(-1);
  if (last === undefined) return 0;
  if (minutes === last.minutes) return rounds.length - 1;
  if (!isFinished(last)) {
    throw new CommandError(
      `expected --minutes ${last.minutes} for the unfinished run in '${output}', got ${minutes}. Its plan is made for them. ` +
        'Finish it with the original minutes. More minutes then continue the training.',
    );
  }
  if (minutes > last.minutes) return rounds.length;
  throw new CommandError(
    `expected --minutes from ${last.minutes} up for the run in '${output}', which has trained for them, got ${minutes}. ` +
      'Pass more minutes to continue the training, or choose another --output.',
  );
}
