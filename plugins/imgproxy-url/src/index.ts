import { definePlugin, type Plugin } from '@tintype/core';
import { ImgproxyDialect } from './dialect.ts';
import { imgproxyUrlOptions } from './options.ts';

export { ImgproxyDialect } from './dialect.ts';
export { type ImgproxyUrlOptions, imgproxyUrlOptions } from './options.ts';

/** imgproxy's URL format, as dialect `imgproxy-url`. */
const plugin: Plugin = definePlugin({
  name: '@tintype/imgproxy-url',
  register(registry) {
    registry.dialect({
      id: 'imgproxy-url',
      prefix: '',
      options: imgproxyUrlOptions,
      // Sources of an endpoint are relative to it, whatever TINTYPE_BASE_URL says.
      create: (settings, scope) => new ImgproxyDialect(scope === undefined ? settings : { ...settings, ...scope }),
    });
  },
});

export default plugin;
