export const keys = [
  {
    id: 'keys.alphabet',
    level: 'must',
    rule: 'Every allowed character may stand anywhere in a key.',
    source: 'StorageKey',
  },
  {
    id: 'keys.longest',
    level: 'must',
    rule: 'Keys of 512 bytes work: as one segment, in many, and two that differ only in the last byte.',
    source: 'StorageKey: "1 to 512 bytes"',
  },
  {
    id: 'keys.key-beside-its-extension',
    level: 'must',
    rule: '`k` and `k/x` are different entries and exist side by side, whichever comes first.',
    source: 'StorageKey: "`k` and `k/x` are different keys and may both exist."',
  },
  {
    id: 'keys.nearly-equal',
    level: 'must',
    rule: 'Keys that differ in one character, or in where the slash stands, are different entries.',
    source: 'StorageKey',
  },
  {
    id: 'keys.look-like-something-else',
    level: 'must',
    rule: 'Keys that look like hidden files, devices, options, lock or temporary files are keys like any other.',
    source: 'StorageKey',
  },
  {
    id: 'keys.operator-prefix-is-not-folded',
    level: 'must',
    rule: 'Two operator prefixes that differ in case only are two places.',
    source: 'The operator’s own prefix may hold upper case: there a backend must not fold',
  },
] as const;
