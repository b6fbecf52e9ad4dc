import type {
  ByteRange,
  EntryInfo,
  ListedEntry,
  OperationContext,
  PutBody,
  PutCondition,
  StorageAdapter,
  StorageCapabilities,
  StorageKey,
  StoredMetadata,
  Version,
  VersionCondition,
} from '@tintype/core';
import { collect, StorageError } from '@tintype/core';
import { asserted, withoutCounting } from '../engine/assertions.ts';
import { describeError, Inconclusive, RequirementBroken } from '../engine/outcome.ts';
import { Patience } from '../engine/patience.ts';
import { pause, within } from '../engine/waiting.ts';
import { bytesBody } from './bodies.ts';
import type { RunNotes } from './run-notes.ts';

/** All of an entry, read. */
export interface Snapshot extends EntryInfo {
  readonly bytes: Uint8Array;
  readonly range: { readonly first: number; readonly last: number } | undefined;
}

/** What an entry should be; what is left out isn't looked at. */
export interface Expected {
  readonly bytes?: Uint8Array | undefined;
  readonly metadata?: StoredMetadata | undefined;
  readonly version?: Version | undefined;
}

export interface WriteOptions {
  readonly metadata?: StoredMetadata | undefined;
  readonly condition?: PutCondition | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long the body is, where it doesn't say so. */
  readonly bytes?: number | undefined;
}

/** Bodies up to this length fit into the limit of an operation. */
const SHORT = 1024 * 1024;
/** How slow a connection may be that is not called silent. */
const LEAST_BYTES_PER_MS = 250;

/** Metadata that can be told apart by `tag`. */
export function metadataOf(tag: string): StoredMetadata {
  return { encoded: `v1;tag=${tag}`, contentType: 'image/webp' };
}

/** Where two arrays of bytes differ, in words; `undefined` if they don't. */
export function bytesDiffer(actual: Uint8Array, expected: Uint8Array): string | undefined {
  if (Buffer.compare(actual, expected) === 0) return undefined;
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  const where = at === -1 ? Math.min(actual.length, expected.length) : at;
  return `${actual.length} bytes instead of ${expected.length}, different from byte ${where} on`;
}

/** What is wrong with an entry, in words. */
export function difference(actual: Snapshot | undefined, expected: Expected): string | undefined {
  if (actual === undefined) return 'there is no entry';
  if (expected.bytes !== undefined) {
    const bytes = bytesDiffer(actual.bytes, expected.bytes);
    if (bytes !== undefined) return `the body has ${bytes}`;
  }
  if (expected.metadata !== undefined && actual.metadata.encoded !== expected.metadata.encoded) {
    return `the metadata is ${shown(actual.metadata.encoded)} instead of ${shown(expected.metadata.encoded)}`;
  }
  if (expected.version !== undefined && actual.version !== expected.version) {
    return `the version is ${shown(actual.version)} instead of ${shown(expected.version)}`;
  }
  return undefined;
}

/** A text for a message, shortened. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 60)}… (${text.length} characters)` : text);
}

/**
 * One client of the storage under test: adapter calls with a time limit, paced where the backend
 * wants it, and expectations that wait exactly as long as the declared consistency allows.
 */
export class StorageClient {
  readonly adapter: StorageAdapter;
  readonly operationTimeoutMs: number;
  readonly #notes: RunNotes;

  constructor(adapter: StorageAdapter, operationTimeoutMs: number, notes: RunNotes) {
    this.adapter = adapter;
    this.operationTimeoutMs = operationTimeoutMs;
    this.#notes = notes;
  }

  get capabilities(): StorageCapabilities {
    return this.adapter.capabilities;
  }

  /** Longest time until a read shows a write; 0 if consistency is strong. */
  get settleMs(): number {
    const { readConsistency } = this.capabilities;
    return readConsistency.kind === 'eventual' ? readConsistency.settleMs : 0;
  }

  get listSettleMs(): number {
    const { listConsistency } = this.capabilities;
    return listConsistency.kind === 'eventual' ? listConsistency.settleMs : 0;
  }

  context(signal: AbortSignal = new AbortController().signal): OperationContext {
    return { signal };
  }

  /** @param bytes that go over the wire: long bodies take their time, also where nothing is wrong. */
  limited<T>(what: string, operation: Promise<T> | T, bytes = 0): Promise<T> {
    return within(this.operationTimeoutMs + Math.max(0, bytes - SHORT) / LEAST_BYTES_PER_MS, what, operation);
  }

  async put(key: StorageKey, body: Uint8Array | PutBody, options: WriteOptions = {}): Promise<Version> {
    await this.#pace(key);
    const given = body instanceof Uint8Array ? bytesBody(body) : body;
    const { metadata = metadataOf('any'), condition, signal, bytes } = options;
    const putting = this.adapter.put(key, given, metadata, condition, this.context(signal));
    return this.limited(`put(${shown(key)})`, putting, given.size ?? bytes);
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition?: VersionCondition,
  ): Promise<Version | undefined> {
    await this.#pace(key);
    return this.limited(
      `setMetadata(${shown(key)})`,
      this.adapter.setMetadata(key, metadata, condition, this.context()),
    );
  }

  async delete(key: StorageKey, condition?: VersionCondition): Promise<void> {
    await this.#pace(key);
    return this.limited(`delete(${shown(key)})`, this.adapter.delete(key, condition, this.context()));
  }

  async stat(key: StorageKey): Promise<EntryInfo | undefined> {
    return this.limited(`stat(${shown(key)})`, this.adapter.stat(key, this.context()));
  }

  /** The whole entry, or the part that `range` names, read to its end. */
  async read(key: StorageKey, range?: ByteRange, signal?: AbortSignal): Promise<Snapshot | undefined> {
    const what = `get(${shown(key)})`;
    const outcome = await this.limited(what, this.adapter.get(key, range, this.context(signal)));
    if (outcome === undefined) return undefined;
    if (outcome.kind === 'range-not-satisfiable') {
      throw new RequirementBroken(
        `${what} with range ${JSON.stringify(range)} answered range-not-satisfiable for ${outcome.size} bytes.`,
      );
    }
    const bytes = await this.limited(`the body of ${what}`, collect(outcome.body.stream()), outcome.size);
    const { metadata, size, version } = outcome;
    return { metadata, size, version, range: outcome.range, bytes };
  }

  async list(prefix: string, after?: StorageKey): Promise<ListedEntry[]> {
    const collecting = async () => {
      const rows: ListedEntry[] = [];
      for await (const row of this.adapter.list(prefix, after, this.context())) rows.push(row);
      return rows;
    };
    return this.limited(`list(${shown(prefix)})`, collecting());
  }

  async keys(prefix: string, after?: StorageKey): Promise<string[]> {
    return (await this.list(prefix, after)).map((row) => row.key);
  }

  /** Waits until everyone sees what was written: not at all where consistency is strong. */
  async settle(): Promise<void> {
    if (this.settleMs > 0) await pause(this.settleMs);
  }

  /**
   * Puts an entry that the test presupposes, and makes sure that it is there. If it isn't, that is
   * another requirement's failure, and this test is inconclusive.
   */
  async given(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata = metadataOf('given')): Promise<Version> {
    return this.supposed(`the entry ${key} is put`, async () => {
      const version = await this.put(key, bytes, { metadata });
      // To have been seen once is not to be seen always: an eventual store gets its time.
      await this.settle();
      await this.expectEntry(key, { bytes, metadata });
      return version;
    });
  }

  /** Runs a step that the test presupposes: what goes wrong in it makes the test inconclusive. */
  async supposed<T>(what: string, step: () => Promise<T>): Promise<T> {
    try {
      return await withoutCounting(step);
    } catch (error) {
      throw new Inconclusive(`This test presupposes that ${what}: ${describeError(error)}`);
    }
  }

  /** The entry is as expected: at once, or within the settle time of an eventual store. */
  async expectEntry(key: StorageKey, expected: Expected, because = ''): Promise<Snapshot> {
    let seen: Snapshot | undefined;
    await this.eventually(async () => {
      seen = await this.read(key);
      const problem = difference(seen, expected);
      return problem && `Read ${key}${because && ` ${because}`}: ${problem}.`;
    });
    return seen as Snapshot;
  }

  /** There is no such entry, for `get` and `stat`: at once, or within the settle time. */
  async expectMissing(key: StorageKey, because = ''): Promise<void> {
    await this.eventually(async () => {
      const entry = await this.read(key);
      if (entry !== undefined) return `${key} is found${because && ` ${because}`}, with ${entry.bytes.length} bytes.`;
      if ((await this.stat(key)) !== undefined) return `stat finds ${key}${because && ` ${because}`}.`;
      return undefined;
    });
  }

  /** A listing shows exactly these keys, in this order. */
  async expectKeys(prefix: string, expected: readonly string[], after?: StorageKey): Promise<void> {
    await this.eventually(async () => {
      const listed = await this.keys(prefix, after);
      return keysDiffer(listed, expected, prefix);
    }, this.listSettleMs);
  }

  /**
   * Checks until `problemNow` finds no problem: once for strong consistency, else until the declared
   * time has passed.
   */
  async eventually(
    problemNow: () => Promise<string | undefined>,
    settleMs: number = Math.max(this.settleMs, 0),
  ): Promise<void> {
    asserted();
    const began = performance.now();
    const patience = new Patience(settleMs);
    for (;;) {
      // A look that began before the time was up may see the old state, however long it takes.
      const isLast = patience.isOver;
      const problem = await problemNow();
      if (problem === undefined) {
        if (settleMs > 0) this.#notes.settledAfter(performance.now() - began);
        return;
      }
      if (isLast) throw new RequirementBroken(problem);
      await pause(Math.min(50, Math.max(2, settleMs / 20)));
    }
  }

  async #pace(key: StorageKey): Promise<void> {
    const interval = this.capabilities.minWriteIntervalMs;
    if (interval <= 0) return;
    const now = performance.now();
    const free = Math.max(now, (this.#notes.writes.get(key) ?? Number.NEGATIVE_INFINITY) + interval);
    this.#notes.writes.set(key, free);
    if (free > now) await pause(free - now);
  }
}

/** How a listing differs from what it should be, in words. */
export function keysDiffer(listed: readonly string[], expected: readonly string[], prefix: string): string | undefined {
  if (listed.length === expected.length && listed.every((key, index) => key === expected[index])) return undefined;
  const missing = expected.filter((key) => !listed.includes(key));
  const foreign = listed.filter((key) => !expected.includes(key));
  const twice = listed.filter((key, index) => listed.indexOf(key) !== index);
  const parts = [
    missing.length > 0 ? `${missing.length} missing (${missing.slice(0, 3).map(shown).join(', ')})` : '',
    foreign.length > 0 ? `${foreign.length} that should not show (${foreign.slice(0, 3).map(shown).join(', ')})` : '',
    twice.length > 0 ? `${twice.length} more than once (${twice.slice(0, 3).map(shown).join(', ')})` : '',
  ].filter((part) => part !== '');
  if (parts.length === 0) {
    const at = listed.findIndex((key, index) => key !== expected[index]);
    parts.push(`out of order at ${at}: ${shown(listed[at] ?? '')} instead of ${shown(expected[at] ?? '')}`);
  }
  return `list(${shown(prefix)}) gave ${listed.length} keys instead of ${expected.length}: ${parts.join('; ')}.`;
}

/** Whether `error` is a `StorageError` of one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): error is StorageError {
  return StorageError.is(error) && codes.includes(error.code);
}
