import { readFileSync } from 'node:fs';
import { formatWithOptions } from 'node:util';
import { expectedOutput, readBlocks } from '@dpar/config/code-blocks';

/** The fenced blocks of a language in a Markdown file of the repository, `path` from its root. */
export function blocksOf(path: string, language: string): string[] {
  const text = readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8').replaceAll('\r\n', '\n');
  return readBlocks(text)
    .filter((block) => block.language === language)
    .map(({ code }) => code);
}

/** The output of a block, and the output that its comments announce: at the end, or behind a `console.log`. */
export async function runBlock(code: string): Promise<{ readonly printed: string; readonly expected: string }> {
  let printed = '';
  const log = (...values: unknown[]): void => {
    printed += `${formatWithOptions({ colors: false }, ...values)}\n`;
  };
  const body = code.replace(/^import (\{.*\}) from ('[^']+');$/gm, 'const $1 = await load($2);');
  const load = (name: string): Promise<unknown> => import(/* @vite-ignore */ name);
  await new Function('load', 'console', `return (async () => { ${body} })();`)(load, { log });
  return { printed: printed.trimEnd(), expected: expectedOutput(code) };
}
