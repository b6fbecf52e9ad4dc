import { defineConfig } from 'vitest/config';

// Tests run over the sources: the condition makes every `@tintype/*` import resolve to `src`.
// Without it they would silently import an old `dist` (test/workspace checks that they don't).
export default defineConfig({
  ssr: { resolve: { conditions: ['@tintype/source'] } },
  test: {
    execArgv: ['--conditions=@tintype/source'],
    include: ['{packages,plugins,examples,test}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 20_000,
    // Seconds for the random parts of the conformance suite; its own default of 10 belongs to `npm run soak`.
    env: { TINTYPE_CONFORMANCE_BUDGET: process.env.TINTYPE_CONFORMANCE_BUDGET ?? '3' },
  },
});
