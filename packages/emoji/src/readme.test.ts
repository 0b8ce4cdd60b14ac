import { readFileSync } from 'node:fs';
import { formatWithOptions } from 'node:util';
import * as engineOrt from '@dpar/engine-ort';
import * as sampler from '@dpar/sampler';
import * as tensor from '@dpar/tensor';
import * as tokenizer from '@dpar/tokenizer';
import { expect, it } from 'vitest';
import * as library from './node.js';

it('prints what the README says', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, example = ''] = /```js\n(.*?)```/s.exec(readme) ?? [];
  const [, expected = ''] = /((?:^\/\/ .*\n)+)$/m.exec(example) ?? [];
  const code = example.replace(/^import (\{.*\}) from '@dpar\/[\w-]+(?:\/node)?';$/gm, 'const $1 = library;');
  let printed = '';
  const log = (...values: unknown[]) => {
    printed += `// ${formatWithOptions({ colors: false }, ...values)}\n`;
  };
  const run = new Function('library', 'console', `return (async () => { ${code} })();`);
  await run({ ...engineOrt, ...sampler, ...tensor, ...tokenizer, ...library }, { log });
  expect(expected).not.toBe('');
  expect(printed).toBe(expected);
});
