import type { StorageKey, StoredMetadata, Version } from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, type Stored } from '../reference-storage.ts';

/** Changes metadata on its way in. */
function storingMetadata(change: (encoded: string) => string): typeof ReferenceStorage {
  return class extends ReferenceStorage {
    override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
      return super.commit(key, bytes, { ...metadata, encoded: change(metadata.encoded) });
    }
  };
}

/** Faults of what is stored beside the body. */
export const metadataFaults: readonly StorageFault[] = [
  fault({
    name: 'metadata-lower-cased',
    breaks: 'Metadata comes back in lower case.',
    caughtBy: [
      'metadata.to-the-letter',
      'metadata.every-length',
      'metadata.set-replaces',
      'public.metadata-round-trip',
    ],
    storage: storingMetadata((encoded) => encoded.toLowerCase()),
  }),
  fault({
    name: 'metadata-sorted',
    breaks: 'Metadata is split at `;` and comes back in another order.',
    caughtBy: ['metadata.to-the-letter', 'metadata.every-length', 'metadata.set-replaces'],
    storage: storingMetadata((encoded) => (encoded.startsWith('v1;') ? encoded : encoded.split(';').sort().join(';'))),
  }),
  fault({
    name: 'metadata-percent-decoded',
    breaks: 'Percent signs in metadata are decoded.',
    caughtBy: ['metadata.to-the-letter', 'metadata.every-length', 'public.metadata-round-trip'],
    perhapsBy: ['metadata.set-replaces'],
    storage: storingMetadata((encoded) =>
      encoded.replace(/%([0-7][0-9a-f])/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    ),
  }),
  fault({
    name: 'metadata-unquoted',
    breaks: 'Quotes around metadata are taken away.',
    caughtBy: ['metadata.to-the-letter'],
    storage: storingMetadata((encoded) => encoded.replace(/^"(.*)"$/, '$1')),
  }),
  fault({
    name: 'metadata-cut-at-256',
    breaks: 'Of a metadata value, 256 bytes are kept.',
    caughtBy: ['metadata.every-length', 'metadata.set-replaces', 'public.metadata-round-trip', 'public.metadata-limit'],
    perhapsBy: ['metadata.to-the-letter'],
    storage: storingMetadata((encoded) => encoded.slice(0, 256)),
  }),
  fault({
    name: 'metadata-split-loses-a-byte',
    breaks: 'Metadata whose length is a multiple of 256 loses its last byte.',
    caughtBy: ['metadata.every-length', 'public.metadata-limit'],
    storage: storingMetadata((encoded) => (encoded.length % 256 === 0 ? encoded.slice(0, -1) : encoded)),
  }),
  fault({
    name: 'metadata-limit-overstated',
    breaks: 'The declared `maxMetadataBytes` is one more than what is kept.',
    caughtBy: ['metadata.every-length', 'public.metadata-limit'],
    storage: storingMetadata((encoded) => encoded.slice(0, 8_191)),
  }),
  fault({
    name: 'content-type-guessed',
    breaks: 'Content-Type is guessed instead of stored.',
    caughtBy: ['metadata.native-fields'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        return super.commit(key, bytes, { ...metadata, contentType: 'application/octet-stream' });
      }
    },
  }),
  fault({
    name: 'metadata-merged',
    breaks: 'Fields that an overwrite does not give are kept from before.',
    caughtBy: ['metadata.put-replaces-all'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        return super.commit(key, bytes, { ...this.data.entries.get(this.full(key))?.metadata, ...metadata });
      }
    },
  }),
  fault({
    name: 'expiry-ignored',
    breaks: '`nativeExpiry` is declared and nothing expires.',
    caughtBy: ['metadata.expiry-removes'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        return super.commit(key, bytes, { ...metadata, expiresAt: undefined });
      }
    },
  }),
  fault({
    name: 'expiry-in-seconds',
    breaks: '`expiresAt` is taken for seconds from now on, rounded down: everything is gone at once.',
    caughtBy: ['metadata.expiry-removes'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const expiresAt = metadata.expiresAt && Math.min(metadata.expiresAt, Date.now() + 250);
        return super.commit(key, bytes, { ...metadata, expiresAt });
      }
    },
  }),
  fault({
    name: 'expiry-under-declared',
    breaks: '`nativeExpiry` is not declared and entries expire.',
    caughtBy: ['metadata.expiry-undeclared-keeps'],
    capabilities: { nativeExpiry: false },
    storage: class extends ReferenceStorage {
      override live(key: StorageKey): Stored | undefined {
        const stored = super.live(key);
        return (stored?.metadata.expiresAt ?? Number.POSITIVE_INFINITY) < Date.now() ? undefined : stored;
      }
    },
  }),
];
