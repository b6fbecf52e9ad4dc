import type { TransformerDescriptor } from '@tintype/core';
import { sharpOptions } from './options.ts';
import { SharpTransformer } from './transformer.ts';

/** `sharp`; its settings have no prefix of their own: `TINTYPE_QUALITY`. */
export const sharpDescriptor: TransformerDescriptor<typeof sharpOptions> = {
  id: 'sharp',
  prefix: '',
  options: sharpOptions,
  create: (options) => new SharpTransformer(options),
};
