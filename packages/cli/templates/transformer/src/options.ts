import { defineOptions, type OptionsOf } from '@tintype/core';

/**
 * The settings of this transformer. `QUALITY` is read from `TINTYPE_SKELETON_QUALITY`, the flag
 * `--skeleton-quality` and `skeletonQuality` in the config file; `create` gets it as `quality`.
 */
export const skeletonOptions = defineOptions({
  QUALITY: {
    kind: 'integer',
    default: '80',
    min: 1,
    max: 100,
    description: 'Quality where the URL names none. Replace it by your own settings.',
  },
});

export type SkeletonOptions = OptionsOf<typeof skeletonOptions>;
