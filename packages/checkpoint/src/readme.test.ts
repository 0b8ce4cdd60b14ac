import { expectedOutput } from '@dpar/config/code-blocks';
import { printedBy, readmeExamples } from '@dpar/config/readme-example';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import * as model from '@dpar/model';
import * as modelNode from '@dpar/model/node';
import * as nn from '@dpar/nn';
import { afterAll, expect, it } from 'vitest';
import * as library from './index.js';

const before = process.cwd();
afterAll(() => process.chdir(before));

it('prints what the README says', async () => {
  const [example = ''] = readmeExamples(new URL('../README.md', import.meta.url));
  process.chdir(await temporaryFolder());
  const modules = {
    '@dpar/checkpoint': library,
    '@dpar/model': model,
    '@dpar/model/node': modelNode,
    '@dpar/nn': nn,
  };
  expect(expectedOutput(example)).not.toBe('');
  expect(await printedBy(example, modules)).toBe(expectedOutput(example));
});
