import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectedOutput, readBlocks } from '@dpar/config/code-blocks';
import { root } from '@dpar/config/published';

/** A program in a README. */
export interface Program {
  /** Path of the README from the repository's root, and position of the block. */
  readonly name: string;
  readonly code: string;
  readonly expected: string;
}

/** All blocks of JavaScript and TypeScript in the READMEs of the repository, its packages and its examples. */
export function readmePrograms(): Program[] {
  const folders = ['packages', 'examples'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => `${group}/${name}/`),
  );
  return ['', ...folders]
    .map((folder) => `${folder}README.md`)
    .filter((file) => existsSync(join(root, file)))
    .flatMap((file) =>
      readBlocks(readFileSync(join(root, file), 'utf8'))
        .filter(({ language }) => language === 'js' || language === 'ts')
        .map(({ index, code }) => ({ name: `${file} ${index}`, code, expected: expectedOutput(code) })),
    );
}
