import { createServer } from 'node:net';
import { definePlugin, type Plugin, StorageError } from '@tintype/core';
import { MemoryStorage } from '@tintype/memory';

/** A storage that cannot be closed, and leaves something behind that would hold its process for ever. */
class FailingClose extends MemoryStorage {
  override async open(): Promise<void> {
    await super.open();
    createServer().listen(0, '127.0.0.1');
  }

  override async close(): Promise<void> {
    const message = 'Cache folder /data: the file system is mounted read-only (EROFS).';
    throw new StorageError({ code: 'misconfigured', message, operation: 'close' });
  }
}

const failingClose: Plugin = definePlugin({
  name: 'failing-close',
  register: (registry) =>
    registry.storage({ id: 'failing', options: {}, create: () => new FailingClose({ maxBytes: 1_000_000 }) }),
});

export default failingClose;
