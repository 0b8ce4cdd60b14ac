import { readFileSync } from 'node:fs';
import { formatWithOptions } from 'node:util';
import { expect, it } from 'vitest';
import * as library from './index.js';

it('prints what the README says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, example = ''] = /```js\n(.*?)```/s.exec(readme) ?? [];
  const [, expected = ''] = /((?:^\/\/ .*\n)+)$/m.exec(example) ?? [];
  const code = example.replace(/^import (\{.*\}) from '@dpar\/report';$/m, 'const $1 = library;');
  let printed = '';
  const log = (...values: unknown[]) => {
    printed += `// ${formatWithOptions({ colors: false }, ...values)}\n`;
  };
  new Function('library', 'console', code)(library, { log });
  expect(expected).not.toBe('');
  expect(printed).toBe(expected);
});
