import { fileURLToPath } from 'node:url';
import { compressedBytes } from '@dpar/config/compressed-bytes';
import { expect, it } from 'vitest';

it('leaves out of a bundle what is not used', async () => {
  const source = fileURLToPath(new URL('./index.ts', import.meta.url));
  expect(await compressedBytes(source, '{ applyRotary }')).toBeLessThan(3300);
});
