import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectedOutput, readBlocks, shellCommands } from '@dpar/config/code-blocks';
import { type Published, root } from '@dpar/config/published';

/** The first example of a package's README. */
export interface Example {
  readonly name: string;
  /** Packages that the README's first block installs. */
  readonly install: readonly string[];
  /** Source of a program, or a command line. */
  readonly code: string;
  readonly isCommand: boolean;
  /** Expected output. */
  readonly expected: string;
}

/** Reads the first example of a package's README and its installation. @throws Error if one of them is missing. */
export function firstExample({ name, folder }: Pick<Published, 'name' | 'folder'>): Example {
  const blocks = readBlocks(readFileSync(join(root, folder, 'README.md'), 'utf8'));
  const [installation, ...commands] = shellCommands(blocks[0]?.code ?? '');
  const example = blocks[1];
  if (!installation?.startsWith('npm install ') || example === undefined) {
    throw new Error(`firstExample: expected 'npm install' and an example in ${folder}/README.md, got ${installation}.`);
  }
  // Only npm has the flags: other package managers run no install scripts.
  const install = installation
    .split(' ')
    .slice(2)
    .filter((word) => !word.startsWith('-'));
  const [command] = commands;
  if (command !== undefined) return { name, install, code: command, isCommand: true, expected: example.code.trimEnd() };
  return { name, install, code: example.code, isCommand: false, expected: expectedOutput(example.code) };
}

/** An example in TypeScript: functions over the tensor interface get their type. */
export function inTypeScript(code: string): string {
  const typed = code.replace(/^const (\w+) = \(ops, /gm, 'const $1: TensorFunction = (ops, ');
  const isTyped = typed !== code;
  return `${isTyped ? "import type { TensorFunction } from '@dpar/tensor';\n" : ''}${typed}\nexport {};\n`;
}
