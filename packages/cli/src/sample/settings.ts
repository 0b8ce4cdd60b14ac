import { stat } from 'node:fs/promises';
import { writeFileAtomic } from '@dpar/io/node';
import { CommandError } from '../errors.js';
import { readJsonObject } from '../json-file.js';

/** What images are made with, as far as it decides how they look: names and values. */
export type Settings = Readonly<Record<string, string | number | boolean | null>>;

/** Most characters of a value that an error shows. */
const shownCharacters = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'none';
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}...` : text;
}

/**
 * Whether earlier images have left their settings in a file; those must be the same, or images of two runs would mix.
 *
 * @param remedy What else to do than to go on with the same settings.
 * @throws CommandError if a setting differs, or the file holds something else.
 */
export async function agreeOnSettings(path: string, settings: Settings, remedy: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  const there = await readJsonObject(path);
  const names = new Set([...Object.keys(settings), ...Object.keys(there)]);
  const other = [...names].find((name) => JSON.stringify(there[name]) !== JSON.stringify(settings[name]));
  if (other === undefined) return true;
  throw new CommandError(
    `expected '${other}' ${shown(there[other])} as in '${path}', which earlier images were made with, ` +
      `got ${shown(settings[other])}. Pass the same settings to go on, or ${remedy}.`,
  );
}

/** Leaves the settings in a file for later runs. */
export async function writeSettings(path: string, settings: Settings): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(settings, null, 2)}\n`);
}
