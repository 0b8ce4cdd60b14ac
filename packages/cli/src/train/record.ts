import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJson } from '@dpar/io/node';
import type { RunRecord } from '@dpar/report';
import { watchFiles } from '@dpar/train/node';
import { isObject } from '../json-file.js';

/** Path of a run's `run.json`: its end, its machine, and the times of work beside its steps. */
export const recordPath = (output: string): string => join(output, watchFiles.record);

/** Reads the record of a run. @returns undefined if it is missing or invalid. */
export async function readRecord(output: string): Promise<RunRecord | undefined> {
  const text = await readFile(recordPath(output), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  return isObject(value) && isObject(value.machine) ? (value as unknown as RunRecord) : undefined;
}

/** Writes the record of a run atomically. */
export async function writeRecord(output: string, record: RunRecord): Promise<void> {
  await writeJson(recordPath(output), record);
}
