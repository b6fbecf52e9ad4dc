/** Storages with a size limit. Everything else is tried far below the limit, where nothing is forgotten. */
export const eviction = [
  {
    id: 'eviction.is-declared',
    level: 'must',
    rule: 'A storage with a size limit declares `evicts`.',
    needs: ['hook:capped'],
    source: 'StorageCapabilities.evicts',
  },
  {
    id: 'eviction.stays-within-its-limit',
    level: 'must',
    rule: 'After several times the limit was put, what a listing shows is within the limit soon, and not nothing.',
    needs: ['hook:capped'],
    source: 'StorageCapabilities.evicts: "a size cap"',
  },
  {
    id: 'eviction.the-largest-fits',
    level: 'must',
    rule: 'With a limit, too, the largest body that is declared is taken, under the longest key and with the largest metadata.',
    needs: ['hook:capped'],
    source: 'StorageCapabilities.maxObjectBytes',
  },
  {
    id: 'eviction.is-never-wrong',
    level: 'must',
    rule: 'While entries are forgotten under load, each hit is whole and of one put, and all else is a miss.',
    needs: ['hook:capped'],
    source: 'StorageAdapter.get: a miss is `undefined`, and only that',
  },
  {
    id: 'eviction.takes-what-is-new',
    level: 'should',
    rule: 'Above the limit a new entry is there when its put has resolved: older ones go.',
    needs: ['hook:capped'],
    source: 'A cache that is full must still be of use',
  },
] as const;
