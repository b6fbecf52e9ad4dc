import { definePlugin, type Plugin } from '@tintype/core';
import { s3OriginOptions, s3StorageOptions } from './options.ts';
import { S3Origin } from './origin.ts';
import { S3Storage } from './storage.ts';

export {
  type S3OriginOptions,
  type S3StorageOptions,
  s3OriginOptions,
  s3StorageOptions,
} from './options.ts';
export { S3Origin } from './origin.ts';
export { S3Storage } from './storage.ts';

/** Brings the storage `s3` and the origin of `s3://` sources. */
const s3: Plugin = definePlugin({
  name: '@tintype/s3',
  register(registry) {
    registry.storage({
      id: 's3',
      remote: true,
      options: s3StorageOptions,
      create: (options, scope) => new S3Storage(options, scope),
    });
    registry.origin({
      id: 's3',
      enabledBy: 'USE_S3',
      options: s3OriginOptions,
      create: (options, scope) => new S3Origin(options, scope),
    });
  },
});

export default s3;
