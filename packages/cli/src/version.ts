import { createRequire } from 'node:module';

/**
 * Version of a package that the command uses; undefined if it is not installed.
 * @param by The package, or address of the module, that imports it.
 */
export function versionOf(name: string, by = import.meta.url): string | undefined {
  try {
    return (
      createRequire(by.includes(':') ? by : import.meta.resolve(by))(`${name}/package.json`) as { version: string }
    ).version;
  } catch {
    return undefined;
  }
}

/** Version of this package. */
export const version = (createRequire(import.meta.url)('../package.json') as { version: string }).version;
