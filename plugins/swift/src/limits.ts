import type { StorageCapabilities } from '@tintype/core';

/** What a cluster takes, as far as it differs from one to another. */
export interface Limits extends Pick<StorageCapabilities, 'maxObjectBytes' | 'maxMetadataBytes'> {
  /** Rows of a listing. */
  readonly page: number;
}

/** Swift's own settings. */
export const LIMITS: Limits = {
  // One object without segments: 5 GiB and 2 bytes.
  maxObjectBytes: 5_368_709_122,
  // 4,096 with the names; and no more than fits beside Swift's own into an attribute of ext4.
  maxMetadataBytes: 2_500,
  page: 1_000,
};

/** Of the metadata in a write: the version, and the names of the fields. */
const BESIDE_ENCODED_BYTES = 128;

/**
 * The limits of a cluster that says of itself (`/info`): never higher than Swift's own. What it does
 * not say, or not as a number, is as usual.
 */
export function limitsOf(info: unknown): Limits {
  const said = ((info ?? {}) as { readonly swift?: Readonly<Record<string, unknown>> }).swift ?? {};
  const limit = (name: string, usual: number) => {
    const value = said[name];
    return typeof value === 'number' && value > 0 ? Math.min(value, usual) : usual;
  };
  const overall = limit('max_meta_overall_size', Number.POSITIVE_INFINITY) - BESIDE_ENCODED_BYTES;
  const { maxObjectBytes, maxMetadataBytes, page } = LIMITS;
  return {
    maxObjectBytes: limit('max_file_size', maxObjectBytes),
    maxMetadataBytes: Math.min(maxMetadataBytes, overall),
    page: limit('container_listing_limit', page),
  };
}
