/** The public side that core puts around the adapter: what callers of `createStorage` get. */
export const publicSide = [
  {
    id: 'public.metadata-round-trip',
    level: 'must',
    rule: 'An entry’s metadata comes back as it was given, through core’s encoding and the backend’s fields, from `get` and from `stat`.',
    source: 'CacheStorage.put, EntryMetadata',
  },
  {
    id: 'public.closed-after-close',
    level: 'must',
    rule: 'After `close` every operation rejects with `closed` and none reaches the adapter.',
    source: 'StorageAdapter: "no operation … after `close` was called"',
  },
  {
    id: 'public.keys-are-refused-before-io',
    level: 'must',
    rule: 'A key that core forbids is `invalid-argument`, and the adapter never hears of it.',
    source: 'StorageKey; StorageAdapter: "keys are well-formed"',
  },
  {
    id: 'public.metadata-limit',
    level: 'must',
    rule: 'Metadata of exactly `maxMetadataBytes` is stored; one byte more is `invalid-argument` before any I/O.',
    source: 'StorageCapabilities.maxMetadataBytes',
  },
  {
    id: 'public.lying-size',
    level: 'must',
    rule: 'A stream that is shorter or longer than its declared size is `invalid-argument`, and the old entry stays.',
    source: 'BodySource.size; PutBody: "yields exactly `size` bytes"',
  },
  {
    id: 'public.failing-input',
    level: 'must',
    rule: 'A stream that fails rejects the put with its own error, and the old entry stays.',
    source: 'CacheStorage: "a failing input stream with its own error"',
  },
  {
    id: 'public.replayable-put-is-retried',
    level: 'must',
    rule: 'A put of bytes whose request or answer was lost is tried again and leaves that entry, whole and once.',
    source: 'BodySource: "so that a failed put may be retried"',
  },
  {
    id: 'public.nothing-is-applied-twice',
    level: 'must',
    rule: 'A put that may have been applied is not sent again where that could be seen: with a condition, or from a stream that is read once.',
    source: 'StorageErrorInit.applied; PutInput: "a plain stream … is never retried"',
  },
  {
    id: 'public.abort-reason',
    level: 'must',
    rule: 'An aborted operation rejects with the signal’s reason as it is.',
    source: 'CacheStorage: "an abort with the signal’s reason"',
  },
  {
    id: 'public.errors-name-their-place',
    level: 'must',
    rule: 'An error of the adapter comes out as a `StorageError` with operation, key and adapter; what is none becomes `internal`.',
    source: 'StorageAdapter: "fills `operation`, `key` and `adapter` into errors"',
  },
] as const;
