import { readFile } from 'node:fs/promises';
import { expectedOutput } from '@dpar/config/code-blocks';
import { printedBy, readmeExamples } from '@dpar/config/readme-example';
import * as engine from '@dpar/engine-ort';
import * as tensor from '@dpar/tensor';
import { expect, it } from 'vitest';
import * as library from './index.js';
import { operators } from './operators/index.js';

const readme = new URL('../README.md', import.meta.url);

it('prints what the README says', async () => {
  const [example = ''] = readmeExamples(readme);
  expect(expectedOutput(example)).not.toBe('');
  const modules = { '@dpar/engine-ort': engine, '@dpar/onnx': library, '@dpar/tensor': tensor };
  expect(await printedBy(example, modules)).toBe(expectedOutput(example));
});

it('has all operators that the README lists', async () => {
  const text = await readFile(readme, 'utf8');
  const table = text.slice(text.indexOf('## Operators'), text.indexOf('An error names'));
  const comparisons = ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'];
  const listed = [...table.matchAll(/\b[A-Z][A-Za-z0-9]+\b/g)].map(([name]) => name);
  expect(new Set([...listed, ...comparisons])).toEqual(new Set(['Operators', ...Object.keys(operators)]));
});
