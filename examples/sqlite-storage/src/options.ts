import { defineOptions, type OptionsOf } from '@tintype/core';

/** Settings of the SQLite storage: `TINTYPE_CACHE_SQLITE_PATH` and so on. */
export const sqliteOptions = defineOptions({
  PATH: {
    kind: 'path',
    required: true,
    description: 'Database file of the cache; made if it is missing. Several processes of one machine may share it.',
  },
  MAX_BYTES: {
    kind: 'bytes',
    default: '0',
    min: 0,
    description: 'Size in bytes that the database file may reach; then nothing more is stored. 0 = unlimited.',
  },
});

export type SqliteOptions = OptionsOf<typeof sqliteOptions>;
