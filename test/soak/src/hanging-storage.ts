import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ByteRange,
  definePlugin,
  type EntryInfo,
  type GetOutcome,
  type OperationContext,
  type Plugin,
  type PutBody,
  type PutCondition,
  type StorageKey,
  type StoredMetadata,
  type Version,
  type VersionCondition,
} from '@tintype/core';
import { FsStorage } from '@tintype/fs';

const LOOK_EVERY_MS = 20;

/** A file cache of which every operation hangs while a file is there: no error, no answer, deaf to aborts. */
class HangingStorage extends FsStorage {
  readonly #hangsWhile: string;
  #hangs: Promise<void> | undefined;

  constructor(root: string, hangsWhile: string) {
    super({ root, maxBytes: 0, durability: 'process' });
    this.#hangsWhile = hangsWhile;
    setInterval(() => {
      if (this.#hangs === undefined && existsSync(hangsWhile)) this.#hangs = this.#over();
    }, LOOK_EVERY_MS).unref();
  }

  override async get(key: StorageKey, range: ByteRange | undefined): Promise<GetOutcome> {
    await this.#hangs;
    return super.get(key, range);
  }

  override async stat(key: StorageKey): Promise<EntryInfo | undefined> {
    await this.#hangs;
    return super.stat(key);
  }

  override async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    await this.#hangs;
    return super.put(key, body, metadata, condition, context);
  }

  override async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined> {
    await this.#hangs;
    return super.setMetadata(key, metadata, condition, context);
  }

  override async delete(
    key: StorageKey,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<void> {
    await this.#hangs;
    return super.delete(key, condition, context);
  }

  async #over(): Promise<void> {
    while (existsSync(this.#hangsWhile)) await sleep(LOOK_EVERY_MS);
    this.#hangs = undefined;
  }
}

const hanging: Plugin = definePlugin({
  name: 'hanging-storage',
  register: (registry) =>
    registry.storage({
      id: 'hanging',
      options: {
        ROOT: { kind: 'path', required: true, description: 'Folder of the cache.' },
        WHILE: { kind: 'path', required: true, description: 'It hangs while this file is there.' },
      },
      create: ({ root, while: hangsWhile }) => new HangingStorage(root, hangsWhile),
    }),
});

export default hanging;
