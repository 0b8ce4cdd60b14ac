import { readFile } from 'node:fs/promises';
import { CommandError } from './errors.js';

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for a JSON object; false for a list and null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a file with a JSON object. @throws CommandError for any other content. */
export async function readJsonObject(path: string): Promise<JsonObject> {
  // Node's error for a folder does not name the path.
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EISDIR' ? Object.assign(error, { path }) : error;
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`expected JSON in '${path}', got invalid JSON (${reason}). Check the file.`);
  }
  if (!isObject(value)) {
    const got = Array.isArray(value) ? `a list of ${value.length}` : JSON.stringify(value).slice(0, 60);
    throw new CommandError(`expected a JSON object in '${path}', got ${got}. Check the file.`);
  }
  return value;
}
