import { definePlugin, type Plugin } from '@tintype/core';
import { gcsOriginOptions, gcsStorageOptions } from './options.ts';
import { GcsOrigin } from './origin.ts';
import { GcsStorage } from './storage.ts';

export {
  type GcsOriginOptions,
  type GcsStorageOptions,
  gcsOriginOptions,
  gcsStorageOptions,
} from './options.ts';
export { GcsOrigin } from './origin.ts';
export { GcsStorage } from './storage.ts';

/** Brings the storage `gcs` and the origin of `gs://` sources. */
const gcs: Plugin = definePlugin({
  name: '@tintype/gcs',
  register(registry) {
    registry.storage({
      id: 'gcs',
      remote: true,
      options: gcsStorageOptions,
      create: (options, scope) => new GcsStorage(options, scope),
    });
    registry.origin({
      id: 'gcs',
      enabledBy: 'USE_GCS',
      options: gcsOriginOptions,
      create: (options, scope) => new GcsOrigin(options, scope),
    });
  },
});

export default gcs;
