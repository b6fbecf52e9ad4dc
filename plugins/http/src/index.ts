import { definePlugin, type OriginDescriptor, type Plugin } from '@tintype/core';
import { httpOptions } from './options.ts';
import { HttpOrigin } from './origin.ts';
import { HttpUpstream } from './upstream.ts';

export { type AddressClass, classify } from './addresses.ts';
export type { Lookup, ResolvedAddress } from './dialer.ts';
export { type HttpOptions, httpOptions } from './options.ts';
export { HttpOrigin, type HttpOriginParts } from './origin.ts';
export { HttpUpstream } from './upstream.ts';

/** The origin `http`. */
const origin: OriginDescriptor<typeof httpOptions> = {
  id: 'http',
  // As in imgproxy, its variables have no infix: `TINTYPE_MAX_REDIRECTS`.
  prefix: '',
  options: httpOptions,
  create: (options, scope) => new HttpOrigin(options, scope),
  createUpstream: (options, scope) => new HttpUpstream(options, scope),
};

/** Brings the web as an origin, for source URLs with the schemes `http` and `https`. */
const http: Plugin = definePlugin({
  name: '@tintype/http',
  register(registry) {
    registry.origin(origin);
  },
});

export default http;
