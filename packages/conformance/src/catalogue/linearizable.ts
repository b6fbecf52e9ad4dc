export const linearizable = [
  {
    id: 'linearizable.register',
    level: 'must',
    rule: 'Concurrent puts, gets, stats and deletes of a few keys behave as if each took effect at one moment between its call and its answer.',
    needs: ['strong-reads'],
    source: 'StorageCapabilities.readConsistency: strong; Herlihy and Wing 1990',
  },
  {
    id: 'linearizable.conditional',
    level: 'must',
    rule: 'The same with conditional puts and deletes among them.',
    needs: ['strong-reads', 'conditionalReplace'],
    source: 'StorageCapabilities.conditionalReplace',
  },
  {
    id: 'linearizable.metadata',
    level: 'must',
    rule: 'The same with `setMetadata` among them.',
    needs: ['strong-reads', 'conditionalMetadata'],
    source: 'StorageAdapter.setMetadata',
  },
  {
    id: 'linearizable.across-instances',
    level: 'must',
    rule: 'The same with clients of two instances on the same data.',
    needs: ['strong-reads', 'store-scope', 'hook:sibling'],
    source: 'StorageCapabilities.readConsistency: "Scope `store` holds for every instance on the same data"',
  },
  {
    id: 'linearizable.reads-converge',
    level: 'must',
    rule: 'After the last write, reads show it within the declared settle time and keep showing it.',
    needs: ['eventual-reads'],
    source: 'Consistency: "Readers converge within `settleMs` milliseconds"',
  },
  {
    id: 'linearizable.listings-converge',
    level: 'must',
    rule: 'After the last write, listings show it within the declared settle time and keep showing it.',
    needs: ['eventual-lists'],
    source: 'Consistency',
  },
] as const;
