import type { StoredMetadata, Version } from '../contracts/storage-adapter.ts';

/**
 * How the metadata of a copy begins, before `generation|version|encoded`. Metadata of an entry is JSON
 * and never begins so: a storage that was used by itself before it became a near tier is full of them.
 */
const MARK = '~tier1|';

/** The far tier's view of an entry, as its copy in the near tier tells it. */
export interface FarView {
  readonly metadata: StoredMetadata;
  readonly version: Version;
  /** Which generation of copies it belongs to (see `CopyTrust`). */
  readonly generation: string;
}

/** Metadata of a copy: the far tier's, with its version. */
export function wrapped({ metadata, version, generation }: FarView): StoredMetadata {
  return { ...metadata, encoded: `${MARK}${generation}|${encodeURIComponent(version)}|${metadata.encoded}` };
}

/** The reverse; `undefined` for what is no copy of ours. */
export function unwrapped(metadata: StoredMetadata): FarView | undefined {
  const { encoded } = metadata;
  if (!encoded.startsWith(MARK)) return undefined;
  const first = encoded.indexOf('|', MARK.length);
  const second = encoded.indexOf('|', first + 1);
  if (first < 0 || second < 0) return undefined;
  try {
    return {
      generation: encoded.slice(MARK.length, first),
      version: decodeURIComponent(encoded.slice(first + 1, second)) as Version,
      metadata: { ...metadata, encoded: encoded.slice(second + 1) },
    };
  } catch {
    return undefined;
  }
}
