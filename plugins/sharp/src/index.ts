import { definePlugin, type Plugin } from '@tintype/core';
import { sharpDescriptor } from './descriptor.ts';

export { sharpDescriptor } from './descriptor.ts';
export { type SharpOptions, sharpOptions } from './options.ts';
export { SharpTransformer } from './transformer.ts';

const plugin: Plugin = definePlugin({
  name: '@tintype/sharp',
  register: (registry) => registry.transformer(sharpDescriptor),
});

export default plugin;
