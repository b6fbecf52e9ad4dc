export const resources = [
  {
    id: 'resources.put-memory-is-bounded',
    level: 'must',
    rule: 'Streaming 256 MiB in takes memory for a few chunks, not for the body.',
    needs: ['durable'],
    source: 'ByteStream: "pulled, never pushed"',
  },
  {
    id: 'resources.get-memory-is-bounded',
    level: 'must',
    rule: 'Streaming 256 MiB out to a reader that pauses takes memory for a few chunks, not for the body.',
    needs: ['durable'],
    source: 'ByteStream: "pulled, never pushed"',
  },
  {
    id: 'resources.one-request-per-get',
    level: 'should',
    rule: 'A get takes one round trip.',
    needs: ['hook:network'],
    source: 'StorageAdapter.get: "in one round trip"',
  },
  {
    id: 'resources.nothing-is-left',
    level: 'must',
    rule: 'After each test of the suite its prefix is empty, and no handle, temporary file or upload is left.',
    source: 'The root must be empty after each test (distribution’s driver suite)',
  },
] as const;
