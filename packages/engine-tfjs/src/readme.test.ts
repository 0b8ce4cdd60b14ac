import { expectedOutput } from '@dpar/config/code-blocks';
import { printedBy, readmeExamples } from '@dpar/config/readme-example';
import * as tensor from '@dpar/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import * as library from './index.js';
import '@tensorflow/tfjs-backend-cpu';

const modules = { '@dpar/engine-tfjs': library, '@dpar/tensor': tensor, '@tensorflow/tfjs-core': tf };

describe('the README', () => {
  const examples = readmeExamples(new URL('../README.md', import.meta.url));

  it('has examples', () => {
    expect(examples).toHaveLength(2);
  });

  it.each(examples)('prints what it says: %#', async (example) => {
    expect(expectedOutput(example)).not.toBe('');
    expect(await printedBy(example, modules)).toBe(expectedOutput(example));
  });
});
