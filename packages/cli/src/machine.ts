import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { availableThreads } from '@dpar/tensor';

/** A JavaScript runtime that is compatible with Node. */
export interface JavaScriptRuntime {
  readonly name: 'Node' | 'Bun' | 'Deno';
  readonly version: string;
}

type Versions = Readonly<Record<string, string | undefined>>;

/** Runtime of this process. Bun and Deno report a version of Node, and their own version beside it. */
export function javaScriptRuntime(versions: Versions = process.versions): JavaScriptRuntime {
  if (versions.bun !== undefined) return { name: 'Bun', version: versions.bun };
  if (versions.deno !== undefined) return { name: 'Deno', version: versions.deno };
  return { name: 'Node', version: versions.node ?? 'unknown' };
}

/**
 * Arguments with which a runtime runs the text of a module.
 * @param settings Arguments of the runtime that this process was started with.
 */
export function evaluationArguments(
  { name }: JavaScriptRuntime,
  program: string,
  settings: readonly string[] = process.execArgv,
): string[] {
  switch (name) {
    case 'Bun':
      // Without the flag, Bun downloads missing packages, and the program looks for packages that are missing.
      return ['--no-install', '--eval', program];
    case 'Deno':
      return ['eval', program];
    case 'Node':
      // Only one process can use a debugger's port.
      return [
        ...settings.filter((setting) => !setting.startsWith('--inspect')),
        '--input-type=module',
        '--eval',
        program,
      ];
  }
}

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

/** `23.5 GiB` */
export const formatMemory = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** Versions and hardware of this machine. */
export function machine() {
  const { name, version: runtimeVersion } = javaScriptRuntime();
  return {
    dpar: version,
    runtime: `${name} ${runtimeVersion}`,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    /** Default number of threads of an engine. */
    threads: availableThreads(),
    memory_bytes: totalmem(),
  };
}
