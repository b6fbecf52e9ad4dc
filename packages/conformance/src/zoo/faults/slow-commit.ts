import type { OperationContext, PutBody, PutCondition, StorageKey, StoredMetadata, Version } from '@tintype/core';
import { ReferenceStorage, tick } from '../reference-storage.ts';

/** Replaces how an entry is committed; `commit` may take its time. */
export abstract class SlowCommit extends ReferenceStorage {
  override async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    this.refuseUndeclared(condition);
    const bytes = await this.receive(body, context, key, metadata);
    await tick();
    context.signal.throwIfAborted();
    this.require(key, condition);
    return this.slowCommit(key, bytes, metadata);
  }

  abstract slowCommit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Promise<Version>;
}
