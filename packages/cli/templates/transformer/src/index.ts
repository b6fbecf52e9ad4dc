import { definePlugin, type Plugin } from '@tintype/core';
import { skeletonOptions } from './options.ts';
import { SkeletonTransformer } from './transformer.ts';

export { type SkeletonOptions, skeletonOptions } from './options.ts';
export { SkeletonTransformer } from './transformer.ts';

/** Brings the transformer `skeleton`: `TINTYPE_TRANSFORMER_USE=skeleton`. */
const plugin: Plugin = definePlugin({
  name: 'skeleton-transformer',
  register(registry) {
    registry.transformer({
      id: 'skeleton',
      options: skeletonOptions,
      create: (options) => new SkeletonTransformer(options),
    });
  },
});

export default plugin;
