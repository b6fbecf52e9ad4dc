import { definePlugin, type Plugin } from '@tintype/core';
import { swiftOriginOptions, swiftStorageOptions } from './options.ts';
import { SwiftOrigin } from './origin.ts';
import { SwiftStorage } from './storage.ts';

export {
  type SwiftOriginOptions,
  type SwiftStorageOptions,
  swiftOriginOptions,
  swiftStorageOptions,
} from './options.ts';
export { SwiftOrigin } from './origin.ts';
export { SwiftStorage } from './storage.ts';

/** Brings the storage `swift` and the origin of `swift://` sources. */
const swift: Plugin = definePlugin({
  name: '@tintype/swift',
  register(registry) {
    registry.storage({
      id: 'swift',
      remote: true,
      options: swiftStorageOptions,
      create: (options, scope) => new SwiftStorage(options, scope),
    });
    registry.origin({
      id: 'swift',
      enabledBy: 'USE_SWIFT',
      options: swiftOriginOptions,
      create: (options, scope) => new SwiftOrigin(options, scope),
    });
  },
});

export default swift;
