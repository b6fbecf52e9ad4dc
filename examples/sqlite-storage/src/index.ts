import { definePlugin, type Plugin } from '@tintype/core';
import { sqliteOptions } from './options.ts';
import { SqliteStorage } from './storage.ts';

export { type SqliteOptions, sqliteOptions } from './options.ts';
export { SqliteStorage } from './storage.ts';

/** Brings the storage `sqlite`: `TINTYPE_CACHE_USE=sqlite`. */
const plugin: Plugin = definePlugin({
  name: 'sqlite-storage',
  register(registry) {
    registry.storage({ id: 'sqlite', options: sqliteOptions, create: (options) => new SqliteStorage(options) });
  },
});

export default plugin;
