import { expect, test } from 'vitest';
import { runConformance } from '../run-conformance.ts';
import { httpSubject } from '../zoo/http-reference.ts';
import { ReferenceData, ReferenceStorage } from '../zoo/reference-storage.ts';
import { PROFILE_CONCURRENCIES, PROFILE_SIZES, profile } from './profile.ts';

test('a profile has a row for each operation, size and number of clients, and leaves nothing', async () => {
  const data = new ReferenceData();
  const adapter = new ReferenceStorage(data);
  await adapter.open({ signal: new AbortController().signal });
  const rows = await profile(adapter, { prefix: 'conformance/profile/', budget: 10, seed: 'test' });
  for (const concurrency of PROFILE_CONCURRENCIES) {
    const at = rows.filter((row) => row.concurrency === concurrency);
    expect(at.filter(({ operation }) => operation === 'put').map(({ size }) => size)).toEqual(PROFILE_SIZES);
    expect(at.filter(({ operation }) => operation === 'get-hit').map(({ size }) => size)).toEqual(PROFILE_SIZES);
    expect(at.filter(({ operation }) => operation === 'get-miss').map(({ size }) => size)).toEqual([0]);
  }
  for (const { samples, p50, p99, rate } of rows) {
    expect(samples).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
    expect(rate).toBeGreaterThan(0);
  }
  expect([...data.entries.keys()]).toEqual([]);
}, 120_000);

test('a profile says how many requests an operation sends, where the harness has a proxy that sees them', async () => {
  const report = await runConformance({
    subjects: [{ name: 'http', harness: { create: () => httpSubject() } }],
    only: ['get.miss-is-undefined'],
    budget: 1,
    profile: true,
  });
  const rows = report.subjects.flatMap((subject) => subject.profile);
  expect(new Set(rows.map(({ operation }) => operation))).toEqual(new Set(['put', 'get-hit', 'get-miss']));
  expect(rows.map(({ requests }) => requests)).toEqual(rows.map(() => 1));
}, 120_000);
