// A vitest reporter that leaves the counts, and why tests were skipped, in the file TINTYPE_TEST_COUNTS names.

import { writeFileSync } from 'node:fs';

export default class CountsReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    /** @type {import('./test.mjs').TestCounts} */
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: [] };
    for (const testModule of modules) {
      const failedBefore = counts.failed;
      for (const test of testModule.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') counts.passed += 1;
        else if (result.state === 'failed') counts.failed += 1;
        else {
          const note = result.state === 'skipped' ? result.note : undefined;
          const reason = note ?? (test.options.mode === 'todo' ? 'still to be written' : 'without a reason');
          counts.skipped.push({ name: `${testModule.relativeModuleId} > ${test.fullName}`, reason });
        }
      }
      // A file that cannot be loaded, or a hook that throws, fails without a failed test.
      if (!testModule.ok() && counts.failed === failedBefore) counts.failed += 1;
    }
    writeFileSync(process.env.TINTYPE_TEST_COUNTS ?? '', JSON.stringify(counts));
  }
}
