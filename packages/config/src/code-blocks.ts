/** Fenced block of a README. */
export interface CodeBlock {
  /** Number of the block in the file, from 0. */
  readonly index: number;
  /** Language after the fence, such as 'js', or ''. */
  readonly language: string;
  readonly code: string;
}

/** Reads the fenced blocks of a Markdown text. */
export function readBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', code = ''], index) => ({
    index,
    language,
    code,
  }));
}

/**
 * Output that a program's comments promise: the comment lines at its end, or else the comment after each
 * `console.log(...);`. '' without such comments.
 */
export function expectedOutput(code: string): string {
  const lines = code.trimEnd().split('\n');
  let first = lines.length;
  while (first > 0 && lines[first - 1]!.startsWith('// ')) first--;
  const atTheEnd = lines.slice(first).map((line) => line.slice(3));
  const behind = lines.flatMap((line) => /^console\.log\(.*\); \/\/ (.*)$/.exec(line)?.[1] ?? []);
  return (atTheEnd.length > 0 ? atTheEnd : behind).join('\n');
}

/** Commands of a shell block, without comments and with continued lines joined. */
export function shellCommands(code: string): string[] {
  return code
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
