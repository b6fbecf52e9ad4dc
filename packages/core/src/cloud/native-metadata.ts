import type { StoredMetadata } from '../contracts/storage-adapter.ts';

/** What the fields of our own metadata begin with, in a bucket's object. */
const FIELD = 't';

/**
 * Spreads `StoredMetadata.encoded` over fields `t0`, `t1`, … of user-defined metadata with values of
 * at most `valueBytes`: Swift takes 256 bytes in a value, and the others don't mind.
 */
export function toNativeMetadata(encoded: string, valueBytes = 250): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at === 0 || at < encoded.length; at += valueBytes) {
    fields[`${FIELD}${at / valueBytes}`] = encoded.slice(at, at + valueBytes);
  }
  return fields;
}

/** Puts together what `toNativeMetadata` spread; empty where an object has none of ours. */
export function fromNativeMetadata(fields: { readonly [name: string]: string | undefined } | undefined): string {
  let encoded = '';
  for (let index = 0; ; index++) {
    const value = fields?.[`${FIELD}${index}`];
    if (value === undefined) return encoded;
    encoded += value;
  }
}

/** What a service tells of an entry besides its bytes and version. */
export interface NativeMetadata {
  /** User-defined metadata, by names without the service's prefix. */
  readonly fields: { readonly [name: string]: string | undefined } | undefined;
  readonly contentType: string | undefined;
  readonly cacheControl: string | undefined;
}

/** An entry's metadata as a storage hands it out. */
export function storedMetadata({ fields, contentType, cacheControl }: NativeMetadata): StoredMetadata {
  return {
    encoded: fromNativeMetadata(fields),
    contentType: contentType ?? 'application/octet-stream',
    ...(cacheControl !== undefined && { cacheControl }),
  };
}
