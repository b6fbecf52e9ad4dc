import type { OptionsOf } from '@tintype/core';

/** The settings of this dialect, read as `TINTYPE_PRESETS`, or imgproxy's variable of the same name. */
export const imgproxyUrlOptions = {
  PRESETS: {
    kind: 'list',
    default: '',
    imgproxy: true,
    description:
      'Named sets of options, each as `name=option/option`; the one named `default` is applied to every URL before its own options.',
  },
  ONLY_PRESETS: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description: 'Accept nothing but names of presets between signature and source: `/{signature}/{name}:{name}/…`.',
  },
  BASE_URL: {
    kind: 'string',
    default: '',
    imgproxy: true,
    description: 'Put in front of every source that does not begin with it, for example `https://images.example.com/`.',
  },
} as const;

/** What `imgproxyUrlOptions` are parsed to. */
export type ImgproxyUrlOptions = OptionsOf<typeof imgproxyUrlOptions>;
