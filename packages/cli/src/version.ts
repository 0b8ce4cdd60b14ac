import { createRequire } from 'node:module';

/** Version of a package that the command uses; undefined if it is not installed. */
export function versionOf(name: string): string | undefined {
  try {
    return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}

/** Version of this package. */
export const version = (createRequire(import.meta.url)('../package.json') as { version: string }).version;
