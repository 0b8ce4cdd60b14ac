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
