declare module 'http-cache-tests/tests/index.mjs' {
  /** The suites, each with its tests. */
  const suites: readonly unknown[];
  export default suites;
}
