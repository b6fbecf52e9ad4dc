import type { Body, ByteStream } from './body.ts';
import type { StorageCapabilities } from './capabilities.ts';
import type { StorageKey } from './storage-key.ts';

declare const versionBrand: unique symbol;

/**
 * Identifies one state of one entry. Opaque; compare for equality only. Adapters make them of their
 * backend's text by `as Version`.
 */
export type Version = string & { readonly [versionBrand]: 'Version' };

/**
 * A value, or a promise of it. Adapters that need no I/O answer at once and cost the caller nothing;
 * they may also throw at once instead of rejecting.
 */
export type Awaitable<T> = T | Promise<T>;

/**
 * What an adapter stores beside the body, natively: as object metadata, never inside the body.
 *
 * `encoded` is opaque: it must come back to the letter. It holds printable ASCII without spaces
 * (`0x21` to `0x7e`), at most `capabilities.maxMetadataBytes`; core makes it, reads it and has
 * already checked its length. An adapter whose backend takes shorter values splits it.
 *
 * `contentType` and `cacheControl` also go to the backend's fields of these names, for other tools
 * that read the bucket; they may lag behind after `setMetadata`, and core reads them from `encoded`.
 */
export interface StoredMetadata {
  readonly encoded: string;
  readonly contentType: string;
  readonly cacheControl?: string | undefined;
  /** When the entry is of no more use, in milliseconds since the epoch. For `nativeExpiry`. */
  readonly expiresAt?: number | undefined;
}

/** A part of a body in bytes, both ends inclusive, or its last `suffix` bytes. RFC 9110 §14.1.2. */
export type ByteRange = { readonly first: number; readonly last?: number | undefined } | { readonly suffix: number };

/** Do it only if there is no entry, or only if it still has this version. */
export type PutCondition = { readonly ifAbsent: true } | VersionCondition;

/** Do it only if the entry still has this version. */
export interface VersionCondition {
  readonly ifVersion: Version;
}

/** What is known of an entry without its body. */
export interface EntryInfo {
  readonly metadata: StoredMetadata;
  /** Bytes of the whole body, also when a range was asked for. */
  readonly size: number;
  readonly version: Version;
}

/** An entry with its body. */
export interface Entry extends EntryInfo {
  readonly kind: 'entry';
  /** The part that `body` holds, when a range was asked for. */
  readonly range: { readonly first: number; readonly last: number } | undefined;
  readonly body: Body;
}

/** The entry exists, and the range lies outside of it. */
export interface RangeNotSatisfiable extends EntryInfo {
  readonly kind: 'range-not-satisfiable';
}

/** A miss is `undefined`, never an error. */
export type GetOutcome = Entry | RangeNotSatisfiable | undefined;

/** One row of a listing. */
export interface ListedEntry {
  readonly key: StorageKey;
  readonly size: number;
  readonly version: Version | undefined;
  /** Milliseconds since the epoch, by the backend's clock. */
  readonly modifiedAt: number;
}

/**
 * A body on its way into a storage. Core has normalised it: whoever called `put` gave bytes, a
 * stream, or something that opens a stream anew.
 *
 * Core guarantees: `stream()` yields exactly `size` bytes when `size` is known, or throws; never more
 * than `maxObjectBytes`, or throws; it throws `signal.reason` once the operation is aborted (between
 * the body's end and the commit, ask `signal` once more yourself); `bytes`, if present, is the whole body and is not
 * changed by the caller until the put has settled (a storage that keeps it must copy it).
 */
export interface PutBody {
  /** The whole body if it lies in memory. Then `size` is its length. */
  readonly bytes: Uint8Array | undefined;
  /** Its length in bytes, if known. */
  readonly size: number | undefined;
  /** Whether `stream()` may be called again from the start (for the backend's own parts). */
  readonly replayable: boolean;
  stream(): ByteStream;
}

/** What core hands to each operation. */
export interface OperationContext {
  /**
   * Aborted when the caller gives up or the deadline passes. Made on first access: an adapter that
   * never waits should not touch it. Reject with `signal.reason` as it is.
   */
  readonly signal: AbortSignal;
}

/** Whether a storage can be used as it is configured. */
export type CheckResult =
  /** `warning` is a sentence on what will be trouble later, and what to do now. */
  | { readonly ok: true; readonly summary: string; readonly warning?: string }
  /** `problem` is a sentence that an operator understands and can act upon. */
  | { readonly ok: false; readonly summary: string; readonly problem: string };

/** What a storage holds, as far as it knows without asking its backend. */
export interface StorageUsage {
  /** Bytes, as they count against its cap. */
  readonly bytes?: number | undefined;
  readonly entries?: number | undefined;
  /** Entries that this process removed to keep the cap, since it began. */
  readonly evicted?: number | undefined;
}

/**
 * The adapter author's side of a cache storage: one backend, nothing else.
 *
 * `createStorage` puts the public side around it, which checks keys and arguments, applies deadlines,
 * retries where that is safe, counts, and fills `operation`, `key` and `adapter` into errors. So an
 * adapter does none of these. It rejects with `StorageError`, and anything else it throws becomes
 * `internal`.
 *
 * Core guarantees: no operation but `check` before `open` has resolved, none after `close` was called; keys are
 * well-formed; metadata fits; conditions are passed only as typed here. It does *not* hide a
 * capability that is missing: an adapter rejects what it has not declared with `unsupported`, before
 * any I/O.
 */
export interface StorageAdapter {
  readonly capabilities: StorageCapabilities;

  /**
   * Begins I/O: constructors do none. Opens connections, probes, creates folders. Rejects with
   * `misconfigured` or `access-denied` where settings are wrong; core may call it again afterwards.
   */
  open(context: OperationContext): Promise<void>;

  /** Releases every socket, handle and timer. Resolves when they are gone. Called once. */
  close(): Promise<void>;

  /**
   * The entry, in one round trip, or `undefined`. `range` is passed only where `ranges` is declared.
   * A failure to read is an error, never a miss.
   */
  get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Awaitable<GetOutcome>;

  /** As `get`, without a body. */
  stat(key: StorageKey, context: OperationContext): Awaitable<EntryInfo | undefined>;

  /**
   * Creates or replaces an entry; all or nothing, also when the body fails, ends short or the
   * operation is aborted: then the old entry stays. Readers see the old entry or the new one, never
   * a mixture and never a gap. Visible once resolved.
   *
   * @returns the new version.
   */
  put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version>;

  /**
   * Replaces the metadata of an entry and leaves its bytes alone, without sending them again.
   *
   * @returns the new version, or `undefined` if there is no such entry, with a condition or without:
   *   it never creates one.
   */
  setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined>;

  /**
   * Removes an entry; fine if there is none, unless a condition was given (`precondition-failed`).
   * Takes no other key along, whatever prefix they share.
   */
  delete(key: StorageKey, condition: VersionCondition | undefined, context: OperationContext): Promise<void>;

  /**
   * Every key that starts with `prefix` (any string of key characters, also empty or within a
   * segment) and comes after `after`, in byte order of the whole key, each once, any number of
   * them. What is put or deleted meanwhile may or may not show; all else shows exactly once.
   */
  list(prefix: string, after: StorageKey | undefined, context: OperationContext): AsyncIterable<ListedEntry>;

  /**
   * Is the backend usable with these settings? Never rejects for what it was asked to find out. May
   * be called after an `open` that failed, too: it then says why.
   */
  check(context: OperationContext): Promise<CheckResult>;

  /** For metrics; no I/O. Only storages that keep the books themselves have it. */
  usage?(): StorageUsage;
}
