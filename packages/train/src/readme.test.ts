import { readFileSync } from 'node:fs';
import * as engineOrt from '@dpar/engine-ort';
import * as nn from '@dpar/nn';
import * as tensor from '@dpar/tensor';
import { expect, it } from 'vitest';
import * as library from './index.js';
import { modelFromSettings } from './model-settings.js';
import { readTrainConfig } from './train-config.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

it('prints what the README says', async () => {
  const [, example = ''] = /```js\n(.*?)```/s.exec(readme) ?? [];
  const [, expected = ''] = /((?:^\/\/ .*\n)+)$/m.exec(example) ?? [];
  const code = example.replace(/^import (\{.*\}) from '@dpar\/[\w-]+';$/gm, 'const $1 = library;');
  let printed = '';
  const log = (line: string) => {
    printed += `// ${line}\n`;
  };
  const run = new Function('library', 'console', `return (async () => { ${code} })();`);
  await run({ ...engineOrt, ...nn, ...tensor, ...library }, { log });
  expect(expected).not.toBe('');
  expect(printed).toBe(expected);
});

it('shows a configuration that is valid', () => {
  const [, example = ''] = /```json\n(.*?)```/s.exec(readme) ?? [];
  const config = readTrainConfig(JSON.parse(example), ['optimizer.learning_rate=3e-4']);
  expect(modelFromSettings(config.model).configJson).toMatchObject({ kind: 'dpar', dim: 128, vocab_size: 512 });
});
