import { writeFileAtomic } from './atomic-file.js';
import { checkArguments } from './check-arguments.js';

/** Writes a value as indented JSON, as {@link writeFileAtomic} writes. */
export function writeJson(path: string, value: unknown): Promise<void> {
  checkArguments('writeJson', { path, value }, { path: 'string', 'value?': 'any' });

  return writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
