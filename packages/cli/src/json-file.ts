import { readFile } from 'node:fs/promises';
import { CommandError } from './errors.js';

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a JSON value is an object, not a list or null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a file that holds a JSON object. @throws CommandError if it holds something else. */
export async function readJsonObject(path: string): Promise<JsonObject> {
  // Node does not say which path it is that cannot be read as a file.
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EISDIR' ? Object.assign(error, { path }) : error;
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`expected JSON in '${path}', got something else (${reason}). Check the file.`);
  }
  if (!isObject(value)) {
    const got = Array.isArray(value) ? `a list of ${value.length}` : JSON.stringify(value).slice(0, 60);
    throw new CommandError(`expected a JSON object in '${path}', got ${got}. Check the file.`);
  }
  return value;
}
