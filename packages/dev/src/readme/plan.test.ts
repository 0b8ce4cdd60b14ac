import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@dpar/config/published';
import { expect, it } from 'vitest';
import { coveredElsewhere, preparations } from './plan.js';
import { readmePrograms } from './programs.js';

const names = readmePrograms().map(({ name }) => name);

it('reads the READMEs', () => {
  expect(names).toEqual(
    expect.arrayContaining(['README.md 1', 'packages/rope/README.md 1', 'packages/cli/README.md 2']),
  );
});

it('plans for blocks that there are', () => {
  for (const name of [...Object.keys(coveredElsewhere), ...Object.keys(preparations)]) expect(names).toContain(name);
});

it.each(Object.entries(coveredElsewhere))('%s is covered by a file that there is: %s', (_, file) => {
  expect(existsSync(join(root, file))).toBe(true);
});
