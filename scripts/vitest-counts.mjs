// A vitest reporter that leaves the counts of each file, and why tests were skipped, in the file TINTYPE_TEST_COUNTS names.

import { writeFileSync } from 'node:fs';

export default class CountsReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    /** @type {import('./test-counts.mjs').TestCounts} */
    const counts = { files: [], strayErrors: unhandledErrors.length };
    for (const testModule of modules) {
      /** @type {import('./test-counts.mjs').FileCounts} */
      const file = { file: testModule.relativeModuleId, passed: 0, failed: [], skipped: [] };
      for (const test of testModule.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') file.passed += 1;
        else if (result.state === 'failed') file.failed.push(test.fullName);
        else {
          const note = result.state === 'skipped' ? result.note : undefined;
          const reason = note ?? (test.options.mode === 'todo' ? 'still to be written' : 'without a reason');
          file.skipped.push({ name: `${testModule.relativeModuleId} > ${test.fullName}`, reason });
        }
      }
      // A file that cannot be loaded, or a hook that throws, fails without a failed test.
      if (!testModule.ok() && file.failed.length === 0) file.failed.push('(the file itself: its loading or a hook)');
      counts.files.push(file);
    }
    writeFileSync(process.env.TINTYPE_TEST_COUNTS ?? '', JSON.stringify(counts));
  }
}
