import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { printedBy, readmeExamples } from './readme-example.js';
import { temporaryFolder } from './temporary-folder.js';

it('reads the JavaScript programs of a README', async () => {
  const path = join(await temporaryFolder(), 'README.md');
  await writeFile(path, '# a\n```sh\nnpm install\n```\n\n```js\nconst a = 1;\n```\n```js\nconst b = 2;\n```\n');
  expect(readmeExamples(pathToFileURL(path))).toEqual(['const a = 1;\n', 'const b = 2;\n']);
});

it('runs a program with the modules that it is given', async () => {
  const code = [
    "import { one } from '@a/b';",
    "import * as all from 'c';",
    "import '@a/b/effects';",
    'console.log(await one(), all);',
    "console.log('two\\nlines');",
  ].join('\n');
  expect(await printedBy(code, { '@a/b': { one: async () => 1 }, c: { three: 3 } })).toBe('1 { three: 3 }\ntwo\nlines');
  await expect(printedBy(code, {})).rejects.toThrow();
});
