import { writeFileSync } from 'node:fs';

/** A vitest reporter that prints nothing and writes `{ passed, failed }` to the file that DPAR_TEST_COUNTS names. */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length };
    for (const module of modules) {
      const failedBefore = counts.failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') counts.passed++;
        if (state === 'failed') counts.failed++;
      }
      // A file that does not load, or whose hooks fail, can have no failed test.
      if (module.state() === 'failed' && counts.failed === failedBefore) counts.failed++;
    }
    writeFileSync(process.env.DPAR_TEST_COUNTS, JSON.stringify(counts));
  }
}
