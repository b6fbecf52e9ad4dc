import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take a minute or more: begun last, they would run alone at the end. */
const LONG =
  /\/(?:plugins\/(?:swift|s3|abs|gcs)\/src\/storage|zoo\/zoo|clouds\/clouds|plugins\/fs\/src\/processes)\.test\.ts$/;

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [
      ...sorted.filter(({ moduleId }) => LONG.test(moduleId)),
      ...sorted.filter(({ moduleId }) => !LONG.test(moduleId)),
    ];
  }
}

// Tests run over the sources: the condition makes every `@tintype/*` import resolve to `src`.
// Without it they would silently import an old `dist` (test/workspace checks that they don't).
export default defineConfig({
  ssr: { resolve: { conditions: ['@tintype/source'] } },
  test: {
    execArgv: ['--conditions=@tintype/source'],
    include: ['{packages,plugins,examples,test}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 20_000,
    // What is polled for comes when it comes: a second is little beside other programs.
    expect: { poll: { timeout: 15_000 } },
    // Seconds for the random parts of the conformance suite; its own default of 10 belongs to `npm run soak`.
    env: { TINTYPE_CONFORMANCE_BUDGET: process.env.TINTYPE_CONFORMANCE_BUDGET ?? '3' },
    sequence: { sequencer: LongFirst },
    // With all servers, one more than there are processors: the suite mostly waits for slow ones.
    ...(process.env.TINTYPE_TEST_REQUIRE === 'all' && { maxWorkers: availableParallelism() + 1 }),
  },
});
