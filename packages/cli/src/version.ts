import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * Version of an installed package; undefined if it is not found. Not every package lets others import its package.json,
 * so that this looks in the folders where it may be.
 * @param by The package, or address of the module, that imports it.
 */
export function versionOf(name: string, by = import.meta.url): string | undefined {
  const require = createRequire(by.includes(':') ? by : import.meta.resolve(by));
  for (const folder of require.resolve.paths(name) ?? []) {
    const file = join(folder, name, 'package.json');
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  try {
    // Package managers that keep packages elsewhere answer here.
    return (require(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}

/** Version of this package. */
export const version = (createRequire(import.meta.url)('../package.json') as { version: string }).version;
