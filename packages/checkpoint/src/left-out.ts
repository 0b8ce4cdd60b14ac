import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { safetensorsFiles } from '@dpar/io/node';

/**
 * Names of a checkpoint's files that an export does not take along, ascending.
 *
 * @param tensors Files of tensors that it takes, each in one file or several.
 * @param others Other files that it takes.
 */
export async function leftOut(
  folder: string,
  tensors: readonly string[],
  others: readonly string[],
): Promise<string[]> {
  const taken = new Set(others);
  for (const name of tensors) for (const path of await safetensorsFiles(join(folder, name))) taken.add(basename(path));
  return (await readdir(folder)).filter((name) => !taken.has(name)).sort();
}
