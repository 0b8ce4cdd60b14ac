import { readFileSync } from 'node:fs';
import { formatWithOptions } from 'node:util';
import * as tensor from '@dpar/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import * as library from './index.js';
import '@tensorflow/tfjs-backend-cpu';

const modules = { '@dpar/engine-tfjs': library, '@dpar/tensor': tensor, '@tensorflow/tfjs-core': tf };

describe('the README', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const blocks = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code = '']) => code);

  it('has examples', () => {
    expect(blocks).toHaveLength(2);
  });

  it.each(blocks)('prints what it says: %#', async (block) => {
    const [, expected = ''] = /((?:^\/\/ .*\n)+)$/m.exec(block) ?? [];
    const code = block
      .replace(/^import (?:\* as )?(.*) from '(.*)';$/gm, "const $1 = modules['$2'];")
      .replace(/^import '.*';$/gm, '');
    let printed = '';
    const log = (...values: unknown[]) => {
      printed += `// ${formatWithOptions({ colors: false }, ...values)}\n`;
    };
    const run = new Function('modules', 'console', `return (async () => { ${code} })();`);
    await run(modules, { log });
    expect(expected).not.toBe('');
    expect(printed).toBe(expected);
  });
});
