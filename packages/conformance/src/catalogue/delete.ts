export const deletion = [
  {
    id: 'delete.removes',
    level: 'must',
    rule: 'After a delete, `get`, `stat` and `list` no longer show the entry.',
    source: 'StorageAdapter.delete',
  },
  {
    id: 'delete.of-nothing-is-fine',
    level: 'must',
    rule: 'A delete without a condition of a key without an entry resolves, also a second time.',
    source: 'StorageAdapter.delete: "fine if there is none"',
  },
  {
    id: 'delete.spares-neighbours',
    level: 'must',
    rule: 'A delete takes along no key that is a prefix or an extension of its own.',
    source: 'StorageAdapter.delete: "Takes no other key along, whatever prefix they share."',
  },
  {
    id: 'delete.makes-room-for-a-fresh-start',
    level: 'must',
    rule: 'An entry put after a delete has nothing of the one before.',
    source: 'StorageAdapter.put',
  },
] as const;
