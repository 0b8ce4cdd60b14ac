import { expectedOutput } from '@dpar/config/code-blocks';
import { printedBy, readmeExamples } from '@dpar/config/readme-example';
import * as engineOrt from '@dpar/engine-ort';
import * as sampler from '@dpar/sampler';
import * as tensor from '@dpar/tensor';
import * as tokenizer from '@dpar/tokenizer';
import { expect, it } from 'vitest';
import * as library from './node.js';

it('prints what the README says', async () => {
  const [example = ''] = readmeExamples(new URL('../README.md', import.meta.url));
  expect(expectedOutput(example)).not.toBe('');
  expect(
    await printedBy(example, {
      '@dpar/emoji/node': library,
      '@dpar/engine-ort': engineOrt,
      '@dpar/sampler': sampler,
      '@dpar/tensor': tensor,
      '@dpar/tokenizer': tokenizer,
    }),
  ).toBe(expectedOutput(example));
});
