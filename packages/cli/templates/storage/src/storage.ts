import {
  type ByteRange,
  type CheckResult,
  type EntryInfo,
  type GetOutcome,
  type ListedEntry,
  MIN_METADATA_BYTES,
  type OperationContext,
  type PutBody,
  type PutCondition,
  type StorageAdapter,
  type StorageCapabilities,
  StorageError,
  type StorageKey,
  type StoredMetadata,
  type Version,
  type VersionCondition,
} from '@tintype/core';
import { notImplemented } from './not-implemented.ts';
import type { SkeletonOptions } from './options.ts';

/**
 * Entries in … (say where).
 *
 * Around it, core checks keys and arguments, applies deadlines, retries where that is safe, and
 * counts. So none of that is here: only the backend. Every method rejects with a `StorageError` whose
 * code says what went wrong, with `context.signal.reason` once that signal is aborted, and with the
 * body's own error, unchanged, if reading a body fails.
 */
export class SkeletonStorage implements StorageAdapter {
  /** What is declared must work, and the suite holds you to it. Begin with little. */
  readonly capabilities: StorageCapabilities = {
    // `put` with `{ ifAbsent: true }`: of N racing writers exactly one wins.
    conditionalCreate: false,
    // `put` with `{ ifVersion }`: compare and swap.
    conditionalReplace: false,
    // `setMetadata` with `{ ifVersion }`. Without it core refreshes an entry by a put.
    conditionalMetadata: false,
    // `delete` with `{ ifVersion }`.
    conditionalDelete: false,
    // `get` of a part of the body.
    ranges: false,
    // Does the version change with `setMetadata` too?
    versionCoversMetadata: true,
    // Who sees a write once it has resolved: everyone (`store`), or this instance only (`instance`)?
    // Where readers only converge: { kind: 'eventual', scope: 'store', settleMs: 2_000 }.
    readConsistency: { kind: 'strong', scope: 'store' },
    listConsistency: { kind: 'strong', scope: 'store' },
    // May it forget entries on its own?
    evicts: false,
    // What a resolved `put` survives: nothing, the death of the process, or the loss of power too.
    durability: 'process',
    // Does the backend itself remove entries after `StoredMetadata.expiresAt`?
    nativeExpiry: false,
    // Largest body in bytes. A smaller honest number is better than memory that runs out.
    maxObjectBytes: Number.POSITIVE_INFINITY,
    // Longest `StoredMetadata.encoded` in bytes.
    maxMetadataBytes: MIN_METADATA_BYTES,
    // Shortest time between two writes of one key that the backend takes, in milliseconds.
    minWriteIntervalMs: 0,
  };
  readonly #options: SkeletonOptions;

  /** Does no I/O: that begins in `open`. */
  constructor(options: SkeletonOptions) {
    this.#options = options;
  }

  /**
   * Begins I/O: opens connections, probes, creates folders. Rejects with `misconfigured` or
   * `access-denied` where settings are wrong; core may call it again afterwards.
   */
  async open(_context: OperationContext): Promise<void> {
    notImplemented('open', 'begins I/O; rejects with misconfigured or access-denied where settings are wrong.');
  }

  /** Releases every socket, handle and timer. Resolves when they are gone. Called once. */
  async close(): Promise<void> {
    notImplemented('close', 'releases every socket, handle and timer, and resolves when they are gone.');
  }

  /**
   * The entry, in one round trip, or `undefined`. A failure to read is an error, never a miss. The
   * body is a `BufferedBody` of bytes, or a `StreamedBody` that frees its connection when it ends,
   * is left early or is discarded. `range` is passed only where `ranges` is declared.
   */
  async get(_key: StorageKey, range: ByteRange | undefined, _context: OperationContext): Promise<GetOutcome> {
    if (range !== undefined) throw unsupported('byte ranges');
    return notImplemented('get', 'answers the entry with its body, in one round trip, or undefined for a miss.');
  }

  /** As `get`, without a body. */
  async stat(_key: StorageKey, _context: OperationContext): Promise<EntryInfo | undefined> {
    return notImplemented('stat', 'answers as get does, without a body.');
  }

  /**
   * Creates or replaces an entry; all or nothing, also when the body fails, ends short or the
   * operation is aborted: then the old entry stays. Readers see the old entry or the new one, never
   * a mixture and never a gap. Visible once resolved.
   *
   * `body.bytes` is the whole body if it lies in memory (copy it if you keep it); else read
   * `body.stream()`. `metadata.encoded` must come back to the letter.
   *
   * @returns the new version: another one for each write.
   */
  async put(
    _key: StorageKey,
    _body: PutBody,
    _metadata: StoredMetadata,
    condition: PutCondition | undefined,
    _context: OperationContext,
  ): Promise<Version> {
    if (condition !== undefined) throw unsupported('conditional puts');
    return notImplemented('put', 'creates or replaces an entry, all or nothing; readers see the old or the new one.');
  }

  /**
   * Replaces the metadata of an entry and leaves its bytes alone, without sending them again.
   *
   * @returns the new version, or `undefined` if there is no such entry: it never creates one.
   */
  async setMetadata(
    _key: StorageKey,
    _metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    _context: OperationContext,
  ): Promise<Version | undefined> {
    if (condition !== undefined) throw unsupported('conditional changes of metadata');
    return notImplemented('setMetadata', 'replaces the metadata and leaves the bytes alone; never creates an entry.');
  }

  /**
   * Removes an entry; fine if there is none, unless a condition was given (`precondition-failed`).
   * Takes no other key along, whatever prefix they share.
   */
  async delete(_key: StorageKey, condition: VersionCondition | undefined, _context: OperationContext): Promise<void> {
    if (condition !== undefined) throw unsupported('conditional deletes');
    notImplemented('delete', 'removes one entry and no other; fine if there is none.');
  }

  /**
   * Every key that starts with `prefix` (any string of key characters, also empty or within a
   * segment) and comes after `after`, in byte order of the whole key, each once, any number of
   * them. What is put or deleted meanwhile may or may not show; all else shows exactly once.
   */
  async *list(
    _prefix: string,
    _after: StorageKey | undefined,
    _context: OperationContext,
  ): AsyncGenerator<ListedEntry> {
    notImplemented('list', 'yields every key with the prefix that comes after `after`, in byte order, each once.');
  }

  /** Is the backend usable with these settings? Never rejects for what it was asked to find out. */
  async check(_context: OperationContext): Promise<CheckResult> {
    return notImplemented('check', 'says whether the backend is usable, and if not, why, in a sentence for operators.');
  }
}

/** What is not declared is refused before any I/O. */
function unsupported(what: string): StorageError {
  return new StorageError({ code: 'unsupported', message: `This storage has no ${what}.` });
}
