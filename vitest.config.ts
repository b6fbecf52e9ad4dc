import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take a minute or more, the longest first: begun last, they would run alone at the end. */
const LONG = [
  'plugins/swift/src/storage',
  'test/clouds/clouds',
  'plugins/s3/src/storage',
  'test/operations/processes',
  'packages/conformance/src/zoo/zoo',
  'plugins/abs/src/storage',
  'test/soak/kills',
  'packages/conformance/src/zoo/parts',
  'plugins/gcs/src/storage',
  'test/packed/packed',
  'packages/conformance/src/zoo/sound-variants',
  'test/operations/rolling-restart',
].map((name) => `/${name}.test.ts`);

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((name) => moduleId.endsWith(name));
      return at === -1 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

const TESTS = ['{packages,plugins,examples,test}/**/*.test.ts'];
const NOT_TESTS = ['**/node_modules/**', '**/dist/**'];

/** Tests that leave nothing behind in their process, and count nothing that others may have left there. */
const TOGETHER = [
  'packages/{core,http-cache,server}/**/*.test.ts',
  'plugins/{memory,http,sharp,imgproxy-url}/**/*.test.ts',
  'test/end-to-end/**/*.test.ts',
];

// Code that V8 has compiled, for each program that a test starts: most of the time of a start.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

// Tests run over the sources: the condition makes every `@tintype/*` import resolve to `src`.
// Without it they would silently import an old `dist` (test/workspace checks that they don't).
export default defineConfig({
  ssr: { resolve: { conditions: ['@tintype/source'] } },
  test: {
    execArgv: ['--conditions=@tintype/source'],
    // For what never comes. What comes late on a busy machine with a slow disk is no fault.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is polled for comes when it comes: a second is little beside other programs.
    expect: { poll: { timeout: 30_000 } },
    // Seconds for the random parts of the conformance suite; its own default of 10 belongs to `npm run soak`.
    env: { TINTYPE_CONFORMANCE_BUDGET: process.env.TINTYPE_CONFORMANCE_BUDGET ?? '2' },
    sequence: { sequencer: LongFirst },
    // With all servers, two more than there are processors: half of the time is spent waiting for slow ones.
    ...(process.env.TINTYPE_TEST_REQUIRE === 'all' && { maxWorkers: availableParallelism() + 2 }),
    projects: [
      // One after another in the same process: half of their time would be spent on loading the same modules.
      { extends: true, test: { name: 'together', include: TOGETHER, exclude: NOT_TESTS, isolate: false } },
      { extends: true, test: { name: 'alone', include: TESTS, exclude: [...NOT_TESTS, ...TOGETHER] } },
    ],
  },
});
