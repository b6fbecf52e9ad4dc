import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { definePlugin, type Plugin, StorageError } from '@tintype/core';
import { MemoryStorage } from '@tintype/memory';

/** A storage that hangs while it is opened, until a file appears; then it fails. */
class StuckStorage extends MemoryStorage {
  readonly #until: string;

  constructor(until: string) {
    super({ maxBytes: 1_000_000 });
    this.#until = until;
  }

  override async open(): Promise<void> {
    while (!existsSync(this.#until)) await sleep(20);
    throw new StorageError({ code: 'unavailable', message: 'This storage never works.', operation: 'open' });
  }
}

const stuck: Plugin = definePlugin({
  name: 'stuck-storage',
  register: (registry) =>
    registry.storage({
      id: 'stuck',
      options: { UNTIL: { kind: 'path', required: true, description: 'The file that ends the waiting.' } },
      create: ({ until }) => new StuckStorage(until),
    }),
});

export default stuck;
