import { afterAll, test } from 'vitest';

/** A cloud whose storage is put to the suite. */
export interface CloudSuite<B extends { stop(): Promise<void> }> {
  /** Of the storage, and of a service that only the environment knows: `TINTYPE_TEST_<ID>_ENDPOINT`. */
  readonly id: string;
  readonly servers: readonly string[];
  /** Those on which the suite runs in a usual run; on the others it takes minutes. */
  readonly usual: readonly string[];
  benchFor(
    server: string,
  ): Promise<
    { readonly bench: B; readonly missing: undefined } | { readonly bench: undefined; readonly missing: string }
  >;
  /** @param record what the suite found on this server before; nothing is on record of one that only the environment knows. */
  run(name: string, bench: B, server: string, record: URL | undefined): void;
}

/**
 * Puts a storage to the suite on every server that is due: with `TINTYPE_TEST_REQUIRE=all` on each. A
 * service that the environment names comes first, and takes the place of a server of its name.
 *
 * @param file `import.meta.url` of the test, beside whose folder the records lie.
 */
export async function runSuites<B extends { stop(): Promise<void> }>(
  suite: CloudSuite<B>,
  file: string,
): Promise<void> {
  const { id, servers, usual } = suite;
  const isGiven = Boolean(process.env[`TINTYPE_TEST_${id.toUpperCase()}_ENDPOINT`]);
  const others = isGiven ? servers.filter((server) => server !== id) : servers;
  for (const server of isGiven ? [id, ...others] : others) {
    const name = `${id} on ${server}`;
    const isForeign = isGiven && server === id;
    if (!isForeign && !usual.includes(server) && process.env.TINTYPE_TEST_REQUIRE !== 'all') {
      test(name, ({ skip }) => skip('takes minutes; TINTYPE_TEST_REQUIRE=all npm test runs it'));
      continue;
    }
    const { bench, missing } = await suite.benchFor(server);
    if (bench === undefined) {
      test(name, ({ skip }) => skip(missing));
      continue;
    }
    afterAll(() => bench.stop());
    suite.run(name, bench, server, isForeign ? undefined : new URL(`../test/record/${server}.json`, file));
  }
}
