import { readFile } from 'node:fs/promises';
import { expectedOutput } from '@dpar/config/code-blocks';
import { printedBy, readmeExamples } from '@dpar/config/readme-example';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { decode } from 'fast-png';
import { expect, it, onTestFinished } from 'vitest';
import * as node from './node.js';

const readme = new URL('../README.md', import.meta.url);
/** The last one is for browsers: see browser.test.ts. */
const examples = readmeExamples(readme).slice(0, -1);

/** Makes an empty folder the working directory of the current test. */
async function enterEmptyFolder(): Promise<void> {
  const before = process.cwd();
  process.chdir(await temporaryFolder());
  onTestFinished(() => process.chdir(before));
}

it('has the examples that are run', () => {
  expect(examples).toHaveLength(4);
});

it.each(examples.map((example, i) => [i, example] as const))(
  'prints what the README says: example %d',
  async (_, example) => {
    await enterEmptyFolder();
    expect(await printedBy(example, { '@dpar/pipeline/node': node })).toBe(expectedOutput(example));
  },
);

it('shows the picture that its first example draws', async () => {
  await enterEmptyFolder();
  await printedBy(examples[0] as string, { '@dpar/pipeline/node': node });
  const drawn = decode(await readFile('flags.png'));
  const shown = decode(await readFile(new URL('flags.png', readme)));
  expect([shown.width, shown.height]).toEqual([drawn.width, drawn.height]);
  // Rounding of another machine can change a token.
  const same = drawn.data.filter((value, i) => value === shown.data[i]).length;
  expect(same / drawn.data.length).toBeGreaterThan(0.9);
});
