import { defineOptions, type OptionsOf } from '@tintype/core';

/**
 * The settings of this origin. `TARGET` is read from `TINTYPE_SKELETON_TARGET`, the flag
 * `--skeleton-target` and `skeletonTarget` in the config file; `create` gets it as `target`.
 */
export const skeletonOptions = defineOptions({
  TARGET: {
    kind: 'string',
    description: 'Where `skeleton://…` sources are. Without it there are none. Replace it by your own settings.',
  },
});

export type SkeletonOptions = OptionsOf<typeof skeletonOptions>;
