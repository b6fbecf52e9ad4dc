import { definePlugin, type Plugin } from '@tintype/core';
import { absOriginOptions, absStorageOptions } from './options.ts';
import { AbsOrigin } from './origin.ts';
import { AbsStorage } from './storage.ts';

export {
  type AbsOriginOptions,
  type AbsStorageOptions,
  absOriginOptions,
  absStorageOptions,
} from './options.ts';
export { AbsOrigin } from './origin.ts';
export { AbsStorage } from './storage.ts';

/** Brings the storage `abs` and the origin of `abs://` sources. */
const abs: Plugin = definePlugin({
  name: '@tintype/abs',
  register(registry) {
    registry.storage({
      id: 'abs',
      remote: true,
      options: absStorageOptions,
      create: (options, scope) => new AbsStorage(options, scope),
    });
    registry.origin({
      id: 'abs',
      enabledBy: 'USE_ABS',
      options: absOriginOptions,
      create: (options, scope) => new AbsOrigin(options, scope),
    });
  },
});

export default abs;
