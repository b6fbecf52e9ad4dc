import { definePlugin, type Plugin } from '@tintype/core';
import { skeletonOptions } from './options.ts';
import { SkeletonStorage } from './storage.ts';

export { type SkeletonOptions, skeletonOptions } from './options.ts';
export { SkeletonStorage } from './storage.ts';

/** Brings the storage `skeleton`: `TINTYPE_CACHE_USE=skeleton`. */
const plugin: Plugin = definePlugin({
  name: 'skeleton-storage',
  register(registry) {
    registry.storage({ id: 'skeleton', options: skeletonOptions, create: (options) => new SkeletonStorage(options) });
  },
});

export default plugin;
