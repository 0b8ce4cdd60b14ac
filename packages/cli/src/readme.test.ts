import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readBlocks, shellCommands } from '@dpar/config/code-blocks';
import { expect, it } from 'vitest';
import { globals } from './command/options.js';
import { createProgram } from './command/program.js';
import { commands } from './commands/index.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The READMEs of the repository, its packages and its examples, and the guides. */
const files = [
  'README.md',
  ...['packages', 'examples'].flatMap((group) =>
    readdirSync(`${root}/${group}`).map((name) => `${group}/${name}/README.md`),
  ),
  ...readdirSync(`${root}/packages/docs/guides`).map((name) => `packages/docs/guides/${name}`),
].filter((file) => existsSync(`${root}/${file}`));

/** Every `dpar` command line in their shell blocks, continued lines joined. */
const lines = files.flatMap((file) =>
  readBlocks(readFileSync(`${root}/${file}`, 'utf8'))
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => shellCommands(code))
    .filter((line) => /^(npx )?dpar /.test(line))
    .map((line) => ({ file, line })),
);

/** Reads the line as the command does, and stops before the work. @returns The name of the command that would run. */
async function parse(line: string): Promise<string> {
  let name = '';
  const settings = { version: '0', globals, print: () => {} };
  const program = createProgram(commands, settings, async (command) => {
    name = command.name;
  });
  await program.parseAsync(line.replace(/^(npx )?dpar /, '').split(/\s+/), { from: 'user' });
  return name;
}

it('finds the lines', () => {
  expect(lines.length).toBeGreaterThan(20);
});

it.each(lines)('$file: $line', async ({ line }) => {
  expect(commands.map(({ name }) => name)).toContain(await parse(line));
});

it('finds what is wrong', async () => {
  await expect(parse('dpar flops --tabel')).rejects.toThrow();
  await expect(parse('dpar train --config')).rejects.toThrow();
});
