import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executeTool, say } from './process.mjs';

/**
 * Runs the given checks and then vitest, all of them even if some fail, and prints 'N passed, N failed' at the end.
 * A check counts as one.
 *
 * @param {[name: string, check: () => Promise<number>][]} checks
 * @param {string[]} args Filters and options of vitest.
 * @returns {Promise<number>} Exit status: 0 if all passed.
 */
export async function test(checks, args) {
  const failures = [];
  for (const [name, check] of checks) if ((await check()) !== 0) failures.push(name);
  const tests = await runVitest(args);
  if (failures.length > 0) say(`failed besides the tests: ${failures.join(', ')}. Their messages are above.`);
  const passed = tests.passed + checks.length - failures.length;
  const failed = tests.failed + failures.length;
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function runVitest(args) {
  say('running the tests ...');
  const folder = mkdtempSync(join(tmpdir(), 'dpar-test-'));
  try {
    const report = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const status = await executeTool('vitest', 'vitest', ['run', ...reporters, ...args]);
    return countTests(report, status);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function countTests(report, status) {
  let passed = 0;
  let failed = 0;
  try {
    const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    passed = numPassedTests;
    for (const { status, assertionResults } of testResults) {
      const inFile = assertionResults.filter((result) => result.status === 'failed').length;
      // A file that does not even load has no results of its own.
      failed += status === 'failed' ? Math.max(inFile, 1) : inFile;
    }
  } catch {
    // Without a report vitest did not come to its end; its status tells.
  }
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed };
}
