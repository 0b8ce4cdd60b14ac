/** A fenced block of a README. */
export interface CodeBlock {
  /** Its place among the blocks of the file, from 0. */
  readonly index: number;
  /** What follows the fence, such as 'js'; '' if nothing does. */
  readonly language: string;
  readonly code: string;
}

/** The fenced blocks of a Markdown text. */
export function readBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', code = ''], index) => ({
    index,
    language,
    code,
  }));
}

/**
 * What a program says that it prints: the comment lines at its end, or else the comment behind each `console.log(...);`.
 * '' if it does not say.
 */
export function expectedOutput(code: string): string {
  const lines = code.trimEnd().split('\n');
  let first = lines.length;
  while (first > 0 && lines[first - 1]!.startsWith('// ')) first--;
  const atTheEnd = lines.slice(first).map((line) => line.slice(3));
  const behind = lines.flatMap((line) => /^console\.log\(.*\); \/\/ (.*)$/.exec(line)?.[1] ?? []);
  return (atTheEnd.length > 0 ? atTheEnd : behind).join('\n');
}

/** The lines of a shell block: comments are left out, continued lines joined. */
export function shellCommands(code: string): string[] {
  return code
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
