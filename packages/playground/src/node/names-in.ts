import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Paths of all files below a folder, with slashes. */
export async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const isFile = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).isFile()));
  return names
    .filter((_, i) => isFile[i])
    .map((name) => name.replaceAll('\\', '/'))
    .sort();
}
