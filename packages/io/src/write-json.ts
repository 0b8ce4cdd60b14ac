import { writeFileAtomic } from './atomic-file.js';

/** Writes a value as indented JSON, as {@link writeFileAtomic} writes. */
export function writeJson(path: string, value: unknown): Promise<void> {
  return writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
