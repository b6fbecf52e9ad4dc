import type { StorageKey, StoredMetadata, Version } from '@tintype/core';
import { ReferenceData, ReferenceStorage } from './reference-storage.ts';

/** The reference with a limit: it forgets what was put first. */
export class CappedReference extends ReferenceStorage {
  protected readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(new ReferenceData(), { evicts: true, maxObjectBytes: maxBytes });
    this.maxBytes = maxBytes;
  }

  override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
    // To the end of the queue, also if it is there already.
    this.data.entries.delete(this.full(key));
    const version = super.commit(key, bytes, metadata);
    this.evict();
    return version;
  }

  protected evict(): void {
    let total = 0;
    for (const stored of this.data.entries.values()) total += stored.bytes.length;
    for (const [key, stored] of this.data.entries) {
      if (total <= this.maxBytes) return;
      total -= stored.bytes.length;
      this.data.entries.delete(key);
    }
  }
}
