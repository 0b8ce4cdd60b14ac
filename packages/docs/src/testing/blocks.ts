import { readFileSync } from 'node:fs';
import { formatWithOptions } from 'node:util';

/** The fenced blocks of a language in a Markdown file of the repository, `path` from its root. */
export function blocksOf(path: string, language: string): string[] {
  const text = readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8').replaceAll('\r\n', '\n');
  const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return blocks.filter(([, name]) => name === language).map(([, , code = '']) => code);
}

/** The commands of a shell block, `dpar` and its arguments; lines that end in a backslash go on. */
export function commandsOf(block: string): string[] {
  return block
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '');
}

/** What a block prints, and what it says that it prints: comments at the end, or behind a `console.log`. */
export async function runBlock(code: string): Promise<{ readonly printed: string; readonly expected: string }> {
  const atEnd = /((?:^\/\/ .*\n)+)$/m.exec(code)?.[1];
  const expected = (atEnd ?? /console\.log\(.*\); (\/\/ .*\n)/.exec(code)?.[1] ?? '').replace(/^\/\/ /gm, '');
  let printed = '';
  const log = (...values: unknown[]): void => {
    printed += `${formatWithOptions({ colors: false }, ...values)}\n`;
  };
  const body = code.replace(/^import (\{.*\}) from ('[^']+');$/gm, 'const $1 = await load($2);');
  const load = (name: string): Promise<unknown> => import(/* @vite-ignore */ name);
  await new Function('load', 'console', `return (async () => { ${body} })();`)(load, { log });
  return { printed, expected };
}
