import { expectedOutput } from '@dpar/config/code-blocks';
import { printedBy, readmeExamples } from '@dpar/config/readme-example';
import { expect, it } from 'vitest';
import * as library from './index.js';

it('prints what the README says', async () => {
  const [example = ''] = readmeExamples(new URL('../README.md', import.meta.url));
  expect(expectedOutput(example)).not.toBe('');
  expect(await printedBy(example, { '@dpar/rope': library })).toBe(expectedOutput(example));
});
