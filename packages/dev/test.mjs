import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executeTool, root, say } from './process.mjs';

/**
 * Runs all given checks and then vitest, also after failures. Prints 'N passed, N failed' at the end; a check counts as one.
 *
 * @param {[name: string, check: () => Promise<number>][]} checks
 * @param {string[]} args Filters and options of vitest.
 * @returns {Promise<number>} Exit status: 0 if all passed.
 */
export async function test(checks, args) {
  const failures = [];
  for (const [name, check] of checks) if ((await check()) !== 0) failures.push(name);
  const tests = await runVitest(args);
  if (failures.length > 0) say(`failed checks: ${failures.join(', ')}. Their messages are above.`);
  const passed = tests.passed + checks.length - failures.length;
  const failed = tests.failed + failures.length;
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function runVitest(args) {
  say('running the tests ...');
  const folder = mkdtempSync(join(tmpdir(), 'dpar-test-'));
  try {
    const file = join(folder, 'counts.json');
    const reporters = ['--reporter=default', `--reporter=${join(root, 'packages/dev/count-reporter.mjs')}`];
    const env = { DPAR_TEST_COUNTS: file };
    const status = await executeTool('vitest', 'vitest', ['run', ...reporters, ...args], { env });
    // Without counts vitest crashed or found no test.
    const { passed, failed } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0 };
    return { passed, failed: status === 0 ? failed : Math.max(failed, 1) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
