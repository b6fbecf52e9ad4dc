import { randomUUID } from 'node:crypto';
import {
  BufferedBody,
  type ByteRange,
  type CheckResult,
  type Clock,
  type EntryInfo,
  formatBytes,
  type GetOutcome,
  type ListedEntry,
  MAX_KEY_BYTES,
  type OperationContext,
  type PutBody,
  type PutCondition,
  resolveRange,
  type StorageAdapter,
  type StorageCapabilities,
  StorageError,
  type StorageKey,
  type StorageUsage,
  type StoredMetadata,
  type Version,
  type VersionCondition,
} from '@tintype/core';
import { type Evictable, makeRoom } from './eviction.ts';
import type { MemoryOptions } from './options.ts';

/** One entry as it lies in the map; replaced as a whole, but for the sign that it is used. */
interface Stored extends EntryInfo, Evictable {
  readonly bytes: Uint8Array;
  readonly modifiedAt: number;
  /** What the entry counts against the cap. */
  readonly weight: number;
}

/** Room for what wraps metadata: a tier in front of another storage adds to it. */
const MAX_METADATA_BYTES = 64 * 1024;

/**
 * Entries in the memory of this process, bounded in bytes: a near tier, and the reference for
 * authors of adapters.
 *
 * Everything that decides happens in one synchronous step over one map, which is all there is to its
 * atomicity: a body is read to its end first, and only then becomes the entry. `eviction.ts` chooses what
 * makes room.
 */
export class MemoryStorage implements StorageAdapter {
  readonly capabilities: StorageCapabilities;
  /** `Infinity` if unlimited. */
  readonly #maxBytes: number;
  readonly #now: Clock;
  readonly #entries = new Map<StorageKey, Stored>();
  #bytes = 0;
  #evicted = 0;
  /** Versions of two instances never coincide. */
  readonly #instance = randomUUID();
  #writes = 0;

  /** @param now the clock for `modifiedAt` and `expiresAt`. */
  constructor(options: MemoryOptions, now: Clock = Date.now) {
    const bounded = options.maxBytes > 0;
    this.#maxBytes = bounded ? options.maxBytes : Number.POSITIVE_INFINITY;
    this.#now = now;
    // What is declared must fit together: the longest key with the largest body and metadata.
    const maxMetadataBytes = bounded
      ? Math.min(MAX_METADATA_BYTES, Math.floor(options.maxBytes / 4))
      : MAX_METADATA_BYTES;
    this.capabilities = {
      conditionalCreate: true,
      conditionalReplace: true,
      conditionalMetadata: true,
      conditionalDelete: true,
      ranges: true,
      versionCoversMetadata: true,
      readConsistency: { kind: 'strong', scope: 'instance' },
      listConsistency: { kind: 'strong', scope: 'instance' },
      evicts: bounded,
      durability: 'none',
      nativeExpiry: true,
      maxObjectBytes: Math.max(0, this.#maxBytes - MAX_KEY_BYTES - maxMetadataBytes),
      maxMetadataBytes,
      minWriteIntervalMs: 0,
    };
  }

  /** Bytes held now, as they count against the cap. */
  get bytes(): number {
    return this.#bytes;
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {
    this.#entries.clear();
    this.#bytes = 0;
  }

  get(key: StorageKey, range: ByteRange | undefined): GetOutcome {
    const stored = this.#live(key);
    if (stored === undefined) return undefined;
    stored.used = true;
    const { metadata, size, version, bytes } = stored;
    if (range === undefined) {
      return { kind: 'entry', metadata, size, version, range: undefined, body: new BufferedBody(bytes) };
    }
    const part = resolveRange(range, size);
    if (part === undefined) return { kind: 'range-not-satisfiable', metadata, size, version };
    const body = new BufferedBody(bytes.subarray(part.first, part.last + 1));
    return { kind: 'entry', metadata, size, version, range: part, body };
  }

  stat(key: StorageKey): EntryInfo | undefined {
    const stored = this.#live(key);
    if (stored === undefined) return undefined;
    return { metadata: stored.metadata, size: stored.size, version: stored.version };
  }

  async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    const room = this.#maxBytes - weigh(key, metadata, 0);
    const bytes = body.bytes === undefined ? await readAll(body, room, context) : new Uint8Array(body.bytes);
    if (condition !== undefined) this.#require(key, condition);
    return this.#commit(key, bytes, metadata);
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
  ): Promise<Version | undefined> {
    const stored = this.#live(key);
    if (stored === undefined) return undefined;
    if (condition !== undefined) this.#require(key, condition);
    return this.#commit(key, stored.bytes, metadata);
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined): Promise<void> {
    if (condition !== undefined) this.#require(key, condition);
    this.#remove(key);
  }

  async *list(prefix: string, after: StorageKey | undefined): AsyncGenerator<ListedEntry> {
    // Keys are ASCII, so that the default order is byte order. A snapshot: what comes or goes while
    // the caller reads moves nothing.
    const keys = [...this.#entries.keys()]
      .filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
      .sort();
    for (const key of keys) {
      const stored = this.#live(key);
      if (stored === undefined) continue;
      yield { key, size: stored.size, version: stored.version, modifiedAt: stored.modifiedAt };
    }
  }

  usage(): StorageUsage {
    return { bytes: this.#bytes, entries: this.#entries.size, evicted: this.#evicted };
  }

  async check(): Promise<CheckResult> {
    const cap = this.#maxBytes === Number.POSITIVE_INFINITY ? 'no limit' : `at most ${formatBytes(this.#maxBytes)}`;
    return { ok: true, summary: `memory of this process, ${cap}` };
  }

  /** The entry, unless its time has passed. */
  #live(key: StorageKey): Stored | undefined {
    const stored = this.#entries.get(key);
    const expiresAt = stored?.metadata.expiresAt;
    if (expiresAt === undefined || expiresAt > this.#now()) return stored;
    this.#remove(key);
    return undefined;
  }

  #require(key: StorageKey, condition: PutCondition): void {
    const stored = this.#live(key);
    const holds = 'ifAbsent' in condition ? stored === undefined : stored?.version === condition.ifVersion;
    if (holds) return;
    throw new StorageError({
      code: 'precondition-failed',
      message:
        'ifAbsent' in condition ? 'There is an entry already.' : 'The entry is gone or has another version by now.',
    });
  }

  #commit(key: StorageKey, bytes: Uint8Array, given: StoredMetadata): Version {
    const weight = weigh(key, given, bytes.length);
    if (weight > this.#maxBytes) throw tooLarge();
    this.#writes += 1;
    const version = `${this.#instance}.${this.#writes}` as Version;
    this.#remove(key);
    this.#makeRoom(weight);
    this.#entries.set(key, {
      metadata: { ...given },
      size: bytes.length,
      version,
      bytes,
      modifiedAt: this.#now(),
      weight,
      used: false,
    });
    this.#bytes += weight;
    return version;
  }

  #makeRoom(weight: number): void {
    makeRoom(this.#entries, {
      isFull: () => this.#bytes + weight > this.#maxBytes,
      evict: (key) => {
        this.#evicted += 1;
        this.#remove(key);
      },
      expire: (key) => void this.#live(key),
    });
  }

  #remove(key: StorageKey): void {
    this.#bytes -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }
}

function weigh(key: StorageKey, metadata: StoredMetadata, bodyBytes: number): number {
  return key.length + metadata.encoded.length + bodyBytes;
}

/** All of a streamed body, in an array of our own; gives up as soon as it cannot fit. */
async function readAll(body: PutBody, room: number, context: OperationContext): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body.stream()) {
    size += chunk.length;
    if (size > room) throw tooLarge();
    chunks.push(chunk);
  }
  context.signal.throwIfAborted();
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function tooLarge(): StorageError {
  return new StorageError({
    code: 'too-large',
    message: 'The entry with its key and metadata is larger than the memory storage may become: raise MAX_BYTES.',
  });
}
