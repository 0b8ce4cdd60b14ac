import { readFileSync } from 'node:fs';
import { formatWithOptions } from 'node:util';
import { readBlocks } from './code-blocks.js';

/** JavaScript programs of a README, for tests. */
export function readmeExamples(readme: URL): string[] {
  return readBlocks(readFileSync(readme, 'utf8'))
    .filter(({ language }) => language === 'js')
    .map(({ code }) => code);
}

/**
 * Runs a program of a README in this process, for tests.
 *
 * @param modules Modules that it imports, by name.
 * @returns Its output, without the final line break.
 */
export async function printedBy(code: string, modules: Readonly<Record<string, object>>): Promise<string> {
  const body = code
    .replace(/^import (?:\* as )?([^']*) from '(.*)';$/gm, "const $1 = modules['$2'];")
    .replace(/^import '.*';$/gm, '');
  const printed: string[] = [];
  const log = (...values: unknown[]) => void printed.push(formatWithOptions({ colors: false }, ...values));
  await new Function('modules', 'console', `return (async () => { ${body} })();`)(modules, { log });
  return printed.join('\n');
}
