import { join } from 'node:path';
import { root } from '@dpar/config/published';
import { expect, it } from 'vitest';
import { run } from './commands.js';

// dependency-rules.mjs refuses imports of devDependencies in shipped sources.
it('has no unused and no undeclared dependency', async () => {
  const knip = join(root, 'packages/dev/node_modules/knip/bin/knip.js');
  const { status, stdout, stderr } = await run(process.execPath, [knip, '--no-progress', '--no-config-hints'], root);
  expect(stdout + stderr).toBe('');
  expect(status).toBe(0);
});
