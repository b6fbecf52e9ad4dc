import { definePlugin, type Plugin } from '@tintype/core';
import { bucketFolder } from './bucket-folder.ts';
import { fsOptions, localOptions } from './options.ts';
import { LocalOrigin } from './origin.ts';
import { FsStorage } from './storage.ts';

export { type FsOptions, fsOptions, type LocalOptions, localOptions } from './options.ts';
export { LocalOrigin } from './origin.ts';
export { FsStorage } from './storage.ts';

/** Brings the storage `fs` and the origin of `local://` sources. */
const fs: Plugin = definePlugin({
  name: '@tintype/fs',
  register(registry) {
    registry.storage({
      id: 'fs',
      options: fsOptions,
      create: (options, scope) => new FsStorage({ ...options, root: bucketFolder(options.root, scope) }),
    });
    registry.origin({
      id: 'local',
      options: localOptions,
      create: ({ filesystemRoot }) => (filesystemRoot === undefined ? undefined : new LocalOrigin(filesystemRoot)),
    });
  },
});

export default fs;
