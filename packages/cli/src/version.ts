import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * Version of an installed package; undefined if it is not found.
 * Looks for the package.json in `node_modules` folders, because not every package exports it.
 * @param by The package, or the address of the module, that imports it.
 */
export function versionOf(name: string, by = import.meta.url): string | undefined {
  const require = createRequire(by.includes(':') ? by : import.meta.resolve(by));
  for (const folder of require.resolve.paths(name) ?? []) {
    const file = join(folder, name, 'package.json');
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  try {
    // Works with package managers that have no node_modules.
    return (require(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}

/** Version of this package. */
export const version = (createRequire(import.meta.url)('../package.json') as { version: string }).version;
