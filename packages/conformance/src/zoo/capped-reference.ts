import type { StorageKey, StorageUsage, StoredMetadata, Version } from '@tintype/core';
import { ReferenceData, ReferenceStorage } from './reference-storage.ts';

/** The reference with a limit: it forgets what was put first. */
export class CappedReference extends ReferenceStorage {
  protected readonly maxBytes: number;
  /** Entries that came and were not deleted. */
  #created = 0;

  constructor(maxBytes: number) {
    super(new ReferenceData(), { evicts: true, maxObjectBytes: maxBytes });
    this.maxBytes = maxBytes;
  }

  override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
    // To the end of the queue, also if it is there already.
    if (!this.data.entries.delete(this.full(key))) this.#created += 1;
    const version = super.commit(key, bytes, metadata);
    this.evict();
    return version;
  }

  /** What a storage that keeps the books tells. */
  usage(): StorageUsage {
    const stored = [...this.data.entries.values()];
    return {
      bytes: stored.reduce((sum, { bytes }) => sum + bytes.length, 0),
      entries: stored.length,
      evicted: this.#created - stored.length,
    };
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
