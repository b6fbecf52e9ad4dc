import { defineOptions, type OptionsOf } from '@tintype/core';

/**
 * The settings of this storage. `TARGET` is read from `TINTYPE_CACHE_SKELETON_TARGET`, the flag
 * `--cache-skeleton-target` and `cacheSkeletonTarget` in the config file; `create` gets it as `target`.
 */
export const skeletonOptions = defineOptions({
  TARGET: {
    kind: 'string',
    required: true,
    description: 'Where the entries are kept. Replace it by the settings of your backend.',
  },
});

export type SkeletonOptions = OptionsOf<typeof skeletonOptions>;
