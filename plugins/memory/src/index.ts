import { definePlugin, type Plugin } from '@tintype/core';
import { checkMemoryOptions, memoryOptions } from './options.ts';
import { MemoryStorage } from './storage.ts';

export { type MemoryOptions, memoryOptions } from './options.ts';
export { MemoryStorage } from './storage.ts';

/** Brings the storage `memory`. */
const memory: Plugin = definePlugin({
  name: '@tintype/memory',
  register(registry) {
    registry.storage({
      id: 'memory',
      options: memoryOptions,
      create: (options, scope) => {
        checkMemoryOptions(options, scope);
        return new MemoryStorage(options);
      },
    });
  },
});

export default memory;
