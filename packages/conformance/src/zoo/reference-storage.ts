import { crc32 } from 'node:zlib';
import {
  type Body,
  BufferedBody,
  type ByteRange,
  type CheckResult,
  collect,
  type EntryInfo,
  type GetOutcome,
  type ListedEntry,
  type OperationContext,
  type PutBody,
  type PutCondition,
  type StorageAdapter,
  type StorageCapabilities,
  StorageError,
  type StorageKey,
  type StoredMetadata,
  StreamedBody,
  type Version,
  type VersionCondition,
} from '@tintype/core';

/** One entry as the reference keeps it. Replaced as a whole, never changed. */
export interface Stored {
  readonly bytes: Uint8Array;
  readonly metadata: StoredMetadata;
  readonly version: Version;
  readonly modifiedAt: number;
  readonly crc: number;
}

/** What several instances share: the place of a bucket. */
export class ReferenceData {
  readonly entries: Map<string, Stored> = new Map();
  /** Entries that cannot be read, by sabotage. */
  readonly unreadable: Set<string> = new Set();
  /** Entries whose bytes somebody changed behind the storage's back. */
  readonly tampered: Set<string> = new Set();
  /** The backend is out of order, by sabotage. */
  outage = false;
  /** What begins with this lies elsewhere, by sabotage; and what was done there. */
  detour: { readonly prefix: string; readonly changes: string[] } | undefined;
  /** Things beside entries that are none. */
  readonly strangers: Set<string> = new Set();
  /** How often what was unfinished has been swept away. */
  sweeps = 0;
  /** Names as they were given, for faults that change them. */
  readonly givenNames: Map<string, string> = new Map();
  #versions = 0;

  nextVersion(): Version {
    return `r${++this.#versions}` as Version;
  }
}

/** All that can be declared, for storages of scope `store`. */
export const referenceCapabilities: StorageCapabilities = {
  conditionalCreate: true,
  conditionalReplace: true,
  conditionalMetadata: true,
  conditionalDelete: true,
  ranges: true,
  versionCoversMetadata: true,
  readConsistency: { kind: 'strong', scope: 'store' },
  listConsistency: { kind: 'strong', scope: 'store' },
  evicts: false,
  durability: 'none',
  nativeExpiry: true,
  maxObjectBytes: 96 * 1024 * 1024,
  maxMetadataBytes: 8_192,
  minWriteIntervalMs: 0,
};

/** Bodies above this many bytes are handed out as streams. */
const BUFFERED_BYTES = 32 * 1024;
const CHUNK_BYTES = 48 * 1024;

/**
 * The sound adapter that faulty ones are made of: everything is asynchronous as with a server, large
 * bodies are streamed, and it counts what it has open. Not for use: the memory plugin is.
 */
export class ReferenceStorage implements StorageAdapter {
  readonly #capabilities: StorageCapabilities;
  readonly data: ReferenceData;
  /** Bodies that were handed out as streams and neither ended nor given up. */
  readonly openBodies: Set<object> = new Set();
  readonly #prefix: string;
  #closed = false;

  constructor(data: ReferenceData = new ReferenceData(), capabilities: Partial<StorageCapabilities> = {}, prefix = '') {
    this.data = data;
    this.#capabilities = { ...referenceCapabilities, ...capabilities };
    this.#prefix = prefix;
  }

  get capabilities(): StorageCapabilities {
    return this.#capabilities;
  }

  async open(context: OperationContext): Promise<void> {
    await tick();
    context.signal.throwIfAborted();
  }

  async close(): Promise<void> {
    await tick();
    this.#closed = true;
    this.openBodies.clear();
  }

  async get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Promise<GetOutcome> {
    if (range !== undefined && !this.capabilities.ranges) throw unsupported('byte ranges');
    await tick();
    context.signal.throwIfAborted();
    const stored = this.live(key);
    if (stored === undefined) return undefined;
    const info = infoOf(stored);
    if (range === undefined) {
      return { kind: 'entry', ...info, range: undefined, body: this.bodyOf(stored.bytes, context) };
    }
    const part = partOf(range, stored.bytes.length);
    if (part === undefined) return { kind: 'range-not-satisfiable', ...info };
    const body = this.bodyOf(stored.bytes.subarray(part.first, part.last + 1), context);
    return { kind: 'entry', ...info, range: part, body };
  }

  async stat(key: StorageKey, context: OperationContext): Promise<EntryInfo | undefined> {
    await tick();
    context.signal.throwIfAborted();
    const stored = this.live(key);
    return stored && infoOf(stored);
  }

  async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    this.refuseUndeclared(condition);
    this.reach(key);
    const { sweeps } = this.data;
    if (body.size !== undefined && body.size > this.capabilities.maxObjectBytes) throw tooLarge();
    const bytes = await this.receive(body, context, key, metadata);
    if (bytes.length > this.capabilities.maxObjectBytes) throw tooLarge();
    await tick();
    context.signal.throwIfAborted();
    this.require(key, condition);
    this.reach(key);
    if (sweeps !== this.data.sweeps) this.swept();
    return this.commit(key, bytes, metadata);
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined> {
    if (condition !== undefined && !this.capabilities.conditionalMetadata) throw unsupported('conditional setMetadata');
    await tick();
    context.signal.throwIfAborted();
    this.reach(key);
    const stored = this.live(key);
    if (stored === undefined) return undefined;
    this.require(key, condition);
    if (this.capabilities.versionCoversMetadata) return this.commit(key, stored.bytes, metadata);
    const crc = checksum(stored.bytes, metadata);
    this.data.entries.set(this.full(key), { ...stored, metadata: { ...metadata }, crc });
    return stored.version;
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, context: OperationContext): Promise<void> {
    if (condition !== undefined && !this.capabilities.conditionalDelete) throw unsupported('conditional delete');
    await tick();
    context.signal.throwIfAborted();
    this.reach(key);
    this.require(key, condition);
    this.data.entries.delete(this.full(key));
  }

  async *list(
    prefix: string,
    after: StorageKey | undefined,
    context: OperationContext,
  ): AsyncGenerator<ListedEntry, void> {
    this.answer();
    const from = this.#prefix + prefix;
    const floor = after === undefined ? undefined : this.full(after);
    const keys = [...this.data.entries.keys()]
      .filter((key) => key.startsWith(from) && (floor === undefined || key > floor))
      .sort();
    for (const [index, full] of keys.entries()) {
      if (index % 100 === 0) await tick();
      context.signal.throwIfAborted();
      const stored = this.data.entries.get(full);
      if (stored === undefined) continue;
      const key = full.slice(this.#prefix.length) as StorageKey;
      yield { key, size: stored.bytes.length, version: stored.version, modifiedAt: stored.modifiedAt };
    }
  }

  async check(): Promise<CheckResult> {
    await tick();
    const summary = 'reference storage in memory';
    return this.data.outage ? { ok: false, summary, problem: 'The backend is out of order.' } : { ok: true, summary };
  }

  /** What a harness tells of resources. */
  leaks(): readonly string[] {
    return this.openBodies.size > 0 ? [`${this.openBodies.size} bodies are open`] : [];
  }

  full(key: StorageKey): string {
    return this.#prefix + key;
  }

  /** What lies under the key, be it damaged or past its time. */
  kept(key: StorageKey): Stored | undefined {
    return this.data.entries.get(this.full(key));
  }

  /** The entry, unless its time has passed. */
  live(key: StorageKey): Stored | undefined {
    if (this.#closed) throw new StorageError({ code: 'closed', message: 'The storage was closed.' });
    this.answer();
    const full = this.full(key);
    if (this.data.unreadable.has(full)) {
      throw new StorageError({ code: 'unavailable', message: 'The entry cannot be read.' });
    }
    const stored = this.data.entries.get(full);
    if (stored !== undefined && this.data.tampered.has(full)) this.verify(stored);
    const expiresAt = stored?.metadata.expiresAt;
    if (expiresAt === undefined || !this.capabilities.nativeExpiry || expiresAt > Date.now()) return stored;
    this.data.entries.delete(full);
    return undefined;
  }

  /** @throws StorageError `unavailable` while the backend is out of order. */
  answer(): void {
    if (this.data.outage) throw new StorageError({ code: 'unavailable', message: 'The backend is out of order.' });
  }

  /** Asked before a write. @throws StorageError where the key would be written elsewhere, or nowhere. */
  reach(key: StorageKey): void {
    this.answer();
    const { detour } = this.data;
    if (detour === undefined || !this.full(key).startsWith(detour.prefix)) return;
    throw new StorageError({ code: 'misconfigured', message: 'The place of this key leads elsewhere.' });
  }

  /** What a write under way does once it was swept away. */
  swept(): void {
    throw new StorageError({ code: 'conflict', message: 'What was begun was swept away.' });
  }

  /** @throws StorageError `corrupt`. Asked only after sabotage: the reference need not be fast, but tests must be. */
  verify(stored: Stored): void {
    if (checksum(stored.bytes, stored.metadata) === stored.crc) return;
    throw new StorageError({ code: 'corrupt', message: 'The stored bytes are not those that were put.' });
  }

  /** Reads a body into an array of its own. */
  async receive(
    body: PutBody,
    context: OperationContext,
    _key: StorageKey,
    _metadata: StoredMetadata,
  ): Promise<Uint8Array> {
    const bytes = new Uint8Array(body.bytes ?? (await collect(body.stream())));
    context.signal.throwIfAborted();
    return bytes;
  }

  /** Makes it the entry, in one step. */
  commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
    const version = this.data.nextVersion();
    this.answer();
    const crc = checksum(bytes, metadata);
    const stored = { bytes, metadata: { ...metadata }, version, modifiedAt: Date.now(), crc };
    this.data.entries.set(this.full(key), stored);
    return version;
  }

  require(key: StorageKey, condition: PutCondition | undefined): void {
    if (condition === undefined) return;
    const stored = this.live(key);
    const holds = 'ifAbsent' in condition ? stored === undefined : stored?.version === condition.ifVersion;
    if (!holds) throw new StorageError({ code: 'precondition-failed', message: 'The condition does not hold.' });
  }

  refuseUndeclared(condition: PutCondition | undefined): void {
    if (condition === undefined) return;
    if ('ifAbsent' in condition && !this.capabilities.conditionalCreate) throw unsupported('conditional create');
    if ('ifVersion' in condition && !this.capabilities.conditionalReplace) throw unsupported('conditional replace');
  }

  bodyOf(bytes: Uint8Array, context: OperationContext): Body {
    if (bytes.length <= BUFFERED_BYTES) return new BufferedBody(bytes);
    const handle = {};
    const { openBodies } = this;
    openBodies.add(handle);
    const body = new StreamedBody(
      async function* () {
        for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
          await tick();
          context.signal.throwIfAborted();
          yield bytes.slice(offset, offset + CHUNK_BYTES);
        }
        openBodies.delete(handle);
      },
      () => {
        openBodies.delete(handle);
      },
    );
    return body;
  }
}

function checksum(bytes: Uint8Array, metadata: StoredMetadata): number {
  return crc32(bytes, crc32(metadata.encoded));
}

/** What stands in for a round trip. */
export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function unsupported(what: string): StorageError {
  return new StorageError({ code: 'unsupported', message: `This storage has no ${what}.` });
}

function tooLarge(): StorageError {
  return new StorageError({ code: 'too-large', message: 'The body is larger than the storage takes.' });
}

export function infoOf(stored: Stored): EntryInfo {
  return { metadata: stored.metadata, size: stored.bytes.length, version: stored.version };
}

/** The bytes that a range names of a body of `size`. RFC 9110 §14.1.2. */
export function partOf(range: ByteRange, size: number): { first: number; last: number } | undefined {
  if ('suffix' in range) {
    if (range.suffix <= 0 || size === 0) return undefined;
    return { first: Math.max(0, size - range.suffix), last: size - 1 };
  }
  if (range.first >= size) return undefined;
  return { first: range.first, last: Math.min(range.last ?? size - 1, size - 1) };
}
