import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compressedBytes } from './compressed-bytes.js';
import { temporaryFolder } from './temporary-folder.js';

it('counts exports, without other packages and what is not needed to run', async () => {
  const folder = await temporaryFolder();
  const bytesOf = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return compressedBytes(join(folder, name));
  };
  const one = await bytesOf('one.ts', 'export const one: number = 1;');
  expect(one).toBeGreaterThan(20);
  expect(await bytesOf('two.js', '// As before.\nexport const one = 1;')).toBe(one);
  expect(await bytesOf('both.ts', "export * from './two.js'; export { more } from 'other';")).toBeGreaterThan(one);
  await bytesOf('three.ts', "export * from './two.js'; export const three = 'that is not used';");
  expect(await compressedBytes(join(folder, 'three.ts'), '{ one }')).toBe(one);
  await expect(compressedBytes(join(folder, 'four.ts'))).rejects.toThrow('four.ts');
});
