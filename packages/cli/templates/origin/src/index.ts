import { definePlugin, type Plugin } from '@tintype/core';
import { skeletonOptions } from './options.ts';
import { SkeletonOrigin } from './origin.ts';

export { type SkeletonOptions, skeletonOptions } from './options.ts';
export { SkeletonOrigin } from './origin.ts';

/** Brings the origin of `skeleton://` sources; without its setting it is switched off. */
const plugin: Plugin = definePlugin({
  name: 'skeleton-origin',
  register(registry) {
    registry.origin({
      id: 'skeleton',
      options: skeletonOptions,
      create: ({ target }, scope) => (target === undefined ? undefined : new SkeletonOrigin(target, scope)),
    });
  },
});

export default plugin;
