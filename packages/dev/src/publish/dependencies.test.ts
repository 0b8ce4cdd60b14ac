import { join } from 'node:path';
import { root } from '@dpar/config/published';
import { expect, it } from 'vitest';
import { run } from './commands.js';

// What is shipped and what only tests import is the matter of the boundaries; knip knows what nothing imports.
it('has no dependency that is unused or not declared', async () => {
  const knip = join(root, 'packages/dev/node_modules/knip/bin/knip.js');
  const { status, stdout, stderr } = await run(process.execPath, [knip, '--no-progress', '--no-config-hints'], root);
  expect(stdout + stderr).toBe('');
  expect(status).toBe(0);
});
