import { readFile } from 'node:fs/promises';
import { writeJson } from './atomic-file.js';
import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import { parseJsonObject } from './json.js';

/** What something is made with, as far as it decides what it becomes: names and values. */
export type Settings = Readonly<Record<string, string | number | boolean | null>>;

/** Most characters of a value that an error shows. */
const shownCharacters = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'none';
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}...` : text;
}

/** Reads a JSON object from a file; undefined if there is none. @throws IoError if the file holds something else. */
export async function readSettings(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  checkArguments('readSettings', { path }, { path: 'string' });

  try {
    return parseJsonObject('readSettings', `'${path}'`, await readFile(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
}

/**
 * Checks that two things are made with the same settings.
 *
 * @param path Where those that are there stand.
 * @param remedy What else to do than to go on with the same settings.
 * @throws IoError if a setting differs.
 */
export function checkSettings(
  path: string,
  there: Readonly<Record<string, unknown>>,
  settings: Readonly<Record<string, unknown>>,
  remedy: string,
): void {
  checkArguments(
    'checkSettings',
    { path, there, settings, remedy },
    { path: 'string', there: 'object', settings: 'object', remedy: 'string' },
  );

  const names = new Set([...Object.keys(settings), ...Object.keys(there)]);
  const other = [...names].find((name) => JSON.stringify(there[name]) !== JSON.stringify(settings[name]));
  if (other === undefined) return;
  const values = [there[other], settings[other]];
  const digests = values.every((value) => typeof value === 'string' && value.startsWith('sha256:'));
  throw new IoError(
    `checkSettings: expected '${other}' ${shown(there[other])} as in '${path}', which earlier work was done with, ` +
      `got ${shown(settings[other])}${digests ? `: what '${other}' names has other content now` : ''}. ` +
      `Pass the same settings to go on, or ${remedy}.`,
  );
}

/**
 * Whether earlier work has left its settings in a file; those must be the same, or two kinds of work would mix.
 *
 * @param remedy What else to do than to go on with the same settings.
 * @throws IoError if a setting differs, or the file holds something else.
 */
export async function agreeOnSettings(path: string, settings: Settings, remedy: string): Promise<boolean> {
  checkArguments(
    'agreeOnSettings',
    { path, settings, remedy },
    { path: 'string', settings: 'object', remedy: 'string' },
  );

  const there = await readSettings(path);
  if (there !== undefined) checkSettings(path, there, settings, remedy);
  return there !== undefined;
}

/** Leaves the settings in a file for later runs. */
export async function writeSettings(path: string, settings: Settings): Promise<void> {
  checkArguments('writeSettings', { path, settings }, { path: 'string', settings: 'object' });

  await writeJson(path, settings);
}
