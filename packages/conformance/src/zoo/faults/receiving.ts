import type { OperationContext, PutBody, StorageKey, StoredMetadata } from '@tintype/core';
import { ReferenceStorage } from '../reference-storage.ts';

/** Replaces what becomes of a body on its way in. */
type Receive = (
  storage: ReferenceStorage,
  body: PutBody,
  context: OperationContext,
  key: StorageKey,
  metadata: StoredMetadata,
) => Promise<Uint8Array>;

export function receiving(receive: Receive): typeof ReferenceStorage {
  return class extends ReferenceStorage {
    override receive(
      body: PutBody,
      context: OperationContext,
      key: StorageKey,
      metadata: StoredMetadata,
    ): Promise<Uint8Array> {
      return receive(this, body, context, key, metadata);
    }
  };
}
