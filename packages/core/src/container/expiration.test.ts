import { describe, expect, test } from 'vitest';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import { toMetadata } from '../endpoints/entry-record.ts';
import { indexMetadata } from '../endpoints/variant-index.ts';
import { encodeRecord, type FreshnessRecord } from '../freshness/record.ts';
import { expirationOf } from './expiration.ts';

type Freshness = FreshnessRecord['freshness'];

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 22);

/** Times of an entry by the days from now at which they lie. */
function freshness(days: { fresh: number; swr?: number; sie?: number; disconnected?: number }): Freshness {
  const at = (day: number) => NOW + day * DAY;
  return {
    v: 1,
    requestedAt: NOW,
    receivedAt: NOW,
    bornAt: NOW,
    freshUntil: at(days.fresh),
    staleWhileRevalidateUntil: at(days.swr ?? days.fresh),
    staleIfErrorUntil: at(days.sie ?? days.fresh),
    staleIfDisconnectedUntil: at(days.disconnected ?? days.fresh),
    basis: 'max-age',
  };
}

function image(of: Freshness): EntryMetadata {
  return {
    status: 200,
    contentType: 'image/webp',
    etag: '"a"',
    storedAt: of.receivedAt,
    freshUntil: of.freshUntil,
    source: 'https://example.com/a.jpg',
    policy: encodeRecord({ freshness: of, fields: [], costMs: 1 }),
  };
}

const response = (of: Freshness) => toMetadata({ v: 1, status: 200, fields: [], freshness: of, vary: [] }, 'https://e');

describe.each([
  ['an image', image],
  ['a response of an endpoint', response],
])('%s', (_, entry) => {
  test.each([
    ['may be forgotten after the days that are set', { fresh: 1 }, 30],
    ['stays while it is fresh', { fresh: 180 }, 180],
    ['stays while it may be used during a refresh', { fresh: 20, swr: 40 }, 40],
    ['stays while it may stand for failures', { fresh: 20, sie: 50 }, 50],
    ['stays while it may stand for a source that does not answer', { fresh: 20, disconnected: 60 }, 60],
  ])('%s', (_what, days, expected) => {
    expect(expirationOf(entry(freshness(days)), 30, NOW)).toBe(NOW + expected * DAY);
  });
});

test('what says nothing of its use but until when it is fresh stays so long', () => {
  const { policy: _policy, ...plain } = image(freshness({ fresh: 45 }));
  expect(expirationOf(plain, 30, NOW)).toBe(NOW + 45 * DAY);
});

test('what leads to the variants of a response does not go before them', () => {
  expect(expirationOf(indexMetadata('https://e', NOW), 30, NOW)).toBeUndefined();
});
