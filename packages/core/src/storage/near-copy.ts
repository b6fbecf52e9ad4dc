import type { StoredMetadata, Version } from '../contracts/storage-adapter.ts';

/**
 * How the metadata of a copy begins, before `generation|madeAt|version|encoded`. Metadata of an entry is JSON
 * and never begins so: a storage that was used by itself before it became a near tier is full of them.
 */
const MARK = '~tier2|';

/** The far tier's view of an entry, as its copy in the near tier tells it. */
export interface FarView {
  readonly metadata: StoredMetadata;
  readonly version: Version;
  /** Which generation of copies it belongs to (see `CopyTrust`). */
  readonly generation: string;
  /** When the far tier was asked for it, in milliseconds since the epoch. */
  readonly madeAt: number;
}

/** Metadata of a copy: the far tier's, with its version. */
export function wrapped({ metadata, version, generation, madeAt }: FarView): StoredMetadata {
  const mark = `${MARK}${generation}|${madeAt}|${encodeURIComponent(version)}`;
  return { ...metadata, encoded: `${mark}|${metadata.encoded}` };
}

/** The reverse; `undefined` for what is no copy of ours. */
export function unwrapped(metadata: StoredMetadata): FarView | undefined {
  const { encoded } = metadata;
  if (!encoded.startsWith(MARK)) return undefined;
  const first = encoded.indexOf('|', MARK.length);
  const second = encoded.indexOf('|', first + 1);
  const third = encoded.indexOf('|', second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  try {
    return {
      generation: encoded.slice(MARK.length, first),
      madeAt: Number(encoded.slice(first + 1, second)),
      version: decodeURIComponent(encoded.slice(second + 1, third)) as Version,
      metadata: { ...metadata, encoded: encoded.slice(third + 1) },
    };
  } catch {
    return undefined;
  }
}
