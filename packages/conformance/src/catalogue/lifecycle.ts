export const lifecycle = [
  {
    id: 'lifecycle.construction-is-idle',
    level: 'must',
    rule: 'Constructing an adapter opens no socket, handle or timer: I/O begins in `open`.',
    source: 'StorageAdapter.open: "Begins I/O: constructors do none."',
  },
  {
    id: 'lifecycle.capabilities-well-formed',
    level: 'must',
    rule: 'Declared capabilities are complete and within their ranges; `maxMetadataBytes` is at least 1,400.',
    source: 'StorageCapabilities',
  },
  {
    id: 'lifecycle.open-only-withdraws',
    level: 'must',
    rule: '`open` may withdraw a capability that was declared before, never add one.',
    source: 'StorageCapabilities: "a probe during `open` may only withdraw what was declared before"',
  },
  {
    id: 'lifecycle.capabilities-final',
    level: 'must',
    rule: 'Capabilities do not change once `open` has resolved.',
    source: 'StorageCapabilities: "Final once `open` has resolved"',
  },
  {
    id: 'lifecycle.open-again-after-failure',
    level: 'must',
    rule: 'After an `open` that was aborted, another `open` works.',
    source: 'StorageAdapter.open: "core may call it again afterwards"',
  },
  {
    id: 'lifecycle.close-releases',
    level: 'must',
    rule: 'When `close` has resolved, every socket, handle and timer is gone.',
    source: 'StorageAdapter.close: "Resolves when they are gone."',
  },
  {
    id: 'lifecycle.close-frees-unread-bodies',
    level: 'must',
    rule: '`close` resolves in time and releases everything although a body was never read and a listing was given up half-way.',
    source: 'StorageAdapter.close; an unread body may hold a socket',
  },
  {
    id: 'lifecycle.instances-are-independent',
    level: 'must',
    rule: 'Closing one instance leaves another one working.',
    source: 'Two proxies in one process; shared global agents',
  },
  {
    id: 'lifecycle.data-survives-close',
    level: 'must',
    rule: 'What was put is there, body and metadata, for the next instance on the same data.',
    needs: ['durable', 'hook:sibling'],
    source: 'StorageCapabilities.durability: "What a resolved `put` survives"',
  },
  {
    id: 'lifecycle.check-approves',
    level: 'must',
    rule: '`check` of a storage that works says so, with a summary.',
    source: 'StorageAdapter.check',
  },
  {
    id: 'lifecycle.check-leaves-nothing',
    level: 'must',
    rule: '`check` leaves no entry behind and changes none.',
    source: 'StorageAdapter.check: it asks, it does not act',
  },
] as const;
