import type { OptionsOf } from '@tintype/core';

/** Settings of the file-system storage. */
export const fsOptions = {
  ROOT: {
    kind: 'path',
    required: true,
    description: 'Folder of the cache; made if it is missing. It should hold nothing else.',
  },
  MAX_BYTES: {
    kind: 'bytes',
    default: '10GiB',
    min: 0,
    description:
      'Disk space in bytes that the cache may take; the entries that were not used for longest make room. 0 = unlimited. Of several proxies on one folder the smallest holds.',
  },
  DURABILITY: {
    kind: 'enum',
    choices: ['process', 'power'],
    default: 'process',
    description:
      'What a stored entry survives: the death of the process, or the loss of power too (every write is flushed to the disk).',
  },
  READS: {
    kind: 'enum',
    choices: ['direct', 'threads'],
    default: 'direct',
    description:
      'How small entries that were met before are read: at once, while they come from the page cache of a local disk, or always by the thread pool, where a disk that hangs holds up nobody.',
  },
} as const;

export type FsOptions = OptionsOf<typeof fsOptions>;

/** Settings of the origin for `local://` sources. */
export const localOptions = {
  FILESYSTEM_ROOT: {
    kind: 'path',
    imgproxy: true,
    description: 'Folder whose files `local:///…` sources name. Without it there are no local sources.',
  },
} as const;

export type LocalOptions = OptionsOf<typeof localOptions>;
