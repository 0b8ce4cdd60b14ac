/** A program that runs JavaScript as Node does. */
export interface JavaScriptRuntime {
  readonly name: 'Node' | 'Bun' | 'Deno';
  readonly version: string;
}

type Versions = Readonly<Record<string, string | undefined>>;

/** What runs this program: Bun and Deno give themselves out as a version of Node, and name their own beside it. */
export function javaScriptRuntime(versions: Versions = process.versions): JavaScriptRuntime {
  if (versions.bun !== undefined) return { name: 'Bun', version: versions.bun };
  if (versions.deno !== undefined) return { name: 'Deno', version: versions.deno };
  return { name: 'Node', version: versions.node ?? 'unknown' };
}

/**
 * Arguments with which a runtime runs a module that is given as text.
 * @param settings Arguments of the runtime itself that this process was started with.
 */
export function evaluationArguments(
  { name }: JavaScriptRuntime,
  program: string,
  settings: readonly string[] = process.execArgv,
): string[] {
  switch (name) {
    case 'Bun':
      // It would fetch the packages whose absence the program looks for.
      return ['--no-install', '--eval', program];
    case 'Deno':
      return ['eval', program];
    case 'Node':
      // A debugger's port serves one process.
      return [
        ...settings.filter((setting) => !setting.startsWith('--inspect')),
        '--input-type=module',
        '--eval',
        program,
      ];
  }
}
