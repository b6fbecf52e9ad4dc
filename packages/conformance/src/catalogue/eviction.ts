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
    id: 'eviction.larger-is-refused',
    level: 'must',
    rule: 'With a limit, a body larger than the limit and than is declared rejects with `too-large`, and no entry is forgotten for it.',
    needs: ['hook:capped'],
    source: 'StorageErrorCode `too-large`; one large upload must not empty the cache',
  },
  {
    id: 'eviction.usage-is-told',
    level: 'must',
    rule: '`usage`, where there is one, tells how many bytes and entries are held and how many entries were removed to keep the limit.',
    needs: ['hook:capped'],
    source: 'StorageAdapter.usage',
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
