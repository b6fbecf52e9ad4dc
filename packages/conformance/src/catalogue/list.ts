export const list = [
  {
    id: 'list.is-complete',
    level: 'must',
    rule: 'A listing shows every key below its prefix once, and no other.',
    source: 'StorageAdapter.list: "each once, any number of them"',
  },
  {
    id: 'list.many-keys',
    level: 'must',
    rule: 'More keys than fit into one page are all listed, in order.',
    source: 'Pages of 1,000 and 5,000',
  },
  {
    id: 'list.byte-order',
    level: 'must',
    rule: 'Keys come in byte order of the whole key: `a-b` and `a.b` before `a/x`.',
    source: 'StorageAdapter.list: "in byte order of the whole key"',
  },
  {
    id: 'list.any-prefix',
    level: 'must',
    rule: 'A prefix may end within a segment or be a whole key, and is taken literally.',
    source: 'StorageAdapter.list: "any string of key characters, also empty or within a segment"',
  },
  {
    id: 'list.empty-prefix',
    level: 'must',
    rule: 'The empty prefix lists everything.',
    source: 'StorageAdapter.list: "also empty"',
  },
  {
    id: 'list.after-is-exclusive',
    level: 'must',
    rule: '`after` leaves out the key itself and all before it, whether or not there is such a key.',
    source: 'StorageAdapter.list: "comes after `after`"',
  },
  {
    id: 'list.nothing',
    level: 'must',
    rule: 'A prefix below which there is nothing gives an empty listing, no error.',
    source: 'StorageAdapter.list',
  },
  {
    id: 'list.describes-entries',
    level: 'must',
    rule: 'Rows carry the size of the body and, if any, the version that reads show.',
    source: 'ListedEntry',
  },
  {
    id: 'list.modified-at',
    level: 'must',
    rule: '`modifiedAt` is the time of the last write in milliseconds, within a quarter of an hour of our clock.',
    source: 'ListedEntry.modifiedAt',
  },
  {
    id: 'list.hides-the-unfinished',
    level: 'must',
    rule: 'While a put is half-way and after it failed, a listing shows nothing of it: no temporary file, no part.',
    source: 'StorageAdapter.put: "all or nothing"',
  },
  {
    id: 'list.while-changing',
    level: 'must',
    rule: 'While keys come and go, a listing shows each key that stays exactly once.',
    source: 'StorageAdapter.list: "all else shows exactly once"',
  },
  {
    id: 'list.may-be-left-early',
    level: 'must',
    rule: 'A listing that is left early, and two at the same time, do not disturb the next.',
    source: 'AsyncIterable.return',
  },
] as const;
