import { expect, it } from 'vitest';
import { blocksOf, runBlock } from './testing/blocks.js';
import { enterWorkFolder } from './testing/work-folder.js';

const files = ['README.md', 'packages/docs/guides/threshold.md', 'packages/docs/guides/engines.md'];
const blocks = files.flatMap((file) => blocksOf(file, 'js').map((code, index) => ({ file, index, code })));

it('has the blocks that are run', () => {
  expect(blocks).toHaveLength(4);
});

it.each(blocks)('$file, block $index: prints what it says', async ({ code }) => {
  await enterWorkFolder(); // some write files
  const { printed, expected } = await runBlock(code);
  expect(expected).not.toBe('');
  expect(printed).toBe(expected);
});
