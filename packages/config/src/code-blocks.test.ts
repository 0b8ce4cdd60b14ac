import { expect, it } from 'vitest';
import { expectedOutput, readBlocks, shellCommands } from './code-blocks.js';

it('reads fenced blocks', () => {
  const markdown = 'Text\n\n```js\na();\n```\n\n```\nplain\n```\nnot ```js inline```\n';
  expect(readBlocks(markdown)).toEqual([
    { index: 0, language: 'js', code: 'a();\n' },
    { index: 1, language: '', code: 'plain\n' },
  ]);
});

it('finds what a program prints', () => {
  expect(expectedOutput('a(); // no\nconsole.log(1);\n// 1\n// { b: 2 }\n')).toBe('1\n{ b: 2 }');
  expect(expectedOutput('console.log(f(1)); // 1\nconst a = 2; // why\nconsole.log(a); // 2\n')).toBe('1\n2');
  expect(expectedOutput('f(1);\n')).toBe('');
});

it('reads the commands of a shell block', () => {
  expect(shellCommands('npm i a   # note\n\n# alone\ndpar b --c 1 \\\n  --d 2\n')).toEqual([
    'npm i a',
    'dpar b --c 1 --d 2',
  ]);
});
