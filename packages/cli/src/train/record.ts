import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJson } from '@dpar/io/node';
import type { RunRecord } from '@dpar/report';
import { watchFiles } from '@dpar/train/node';
import { isObject } from '../json-file.js';

/** `run.json` of a run: how it ended, what it ran on, and what took time beside its steps. */
export const recordPath = (output: string): string => join(output, watchFiles.record);

/** Reads it. @returns undefined if there is none, or it holds something else. */
export async function readRecord(output: string): Promise<RunRecord | undefined> {
  const text = await readFile(recordPath(output), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  return isObject(value) && isObject(value.machine) ? (value as unknown as RunRecord) : undefined;
}

/** Writes it, whole or not at all. */
export async function writeRecord(output: string, record: RunRecord): Promise<void> {
  await writeJson(recordPath(output), record);
}
