import { definePlugin, type Plugin } from '@tintype/core';
import { httpOptions } from './options.ts';
import { HttpOrigin } from './origin.ts';

export { type AddressClass, classify } from './addresses.ts';
export type { Lookup, ResolvedAddress } from './dialer.ts';
export { type HttpOptions, httpOptions } from './options.ts';
export { HttpOrigin, type HttpOriginParts } from './origin.ts';

/** The web as an origin, for source URLs with the schemes `http` and `https`. */
const plugin: Plugin = definePlugin({
  name: '@tintype/http',
  register(registry) {
    registry.origin({
      id: 'http',
      prefix: '',
      options: httpOptions,
      create: (settings, scope) => new HttpOrigin(settings, scope),
    });
  },
});

export default plugin;
