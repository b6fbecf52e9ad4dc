import {
  Backend,
  type ByteRange,
  type CheckResult,
  collect,
  type EntryInfo,
  foundEntry,
  type GetOutcome,
  type HttpFields,
  isListedKey,
  type ListedEntry,
  type OperationContext,
  type PutBody,
  type PutCondition,
  putInParts,
  rangeField,
  requiredBucket,
  type StorageAdapter,
  type StorageCapabilities,
  StorageError,
  type StorageKey,
  type StorageScope,
  type StoredMetadata,
  unsupported,
  type Version,
  type VersionCondition,
  whole,
} from '@tintype/core';
import { isBucketName } from './bucket-name.ts';
import { type SwiftAnswer, SwiftConnection, type SwiftRequest } from './client.ts';
import { infoOf, lengthOf, nativeFields, newVersion, sizeIn } from './entry-fields.ts';
import { isMissing, toStorageError } from './errors.ts';
import { LIMITS, type Limits, limitsOf } from './limits.ts';
import { type Credentials, credentialsOf, type SwiftStorageOptions } from './options.ts';
import { PART_BYTES, pieceByPiece } from './uploads.ts';

/** How a sentence about what it cannot do begins. */
const SERVICE = 'Swift';

/** Longest time to find out what a cluster takes, in milliseconds. */
const INFO_MS = 2_000;

/** Swift is eventually consistent: when readers agree after the last write, in milliseconds. */
const SETTLED = { kind: 'eventual', scope: 'store', settleMs: 1_000 } as const;

/** Stored; and accepted without effect. */
const PUT_ANSWERS = [201, 202] as const;

/** What does not depend upon the cluster. */
const FIXED = {
  // Swift looks at conditions when a request arrives: two slow writers both win. `If-Match` it ignores.
  conditionalCreate: false,
  conditionalReplace: false,
  conditionalMetadata: false,
  conditionalDelete: false,
  ranges: true,
  versionCoversMetadata: true,
  readConsistency: SETTLED,
  listConsistency: SETTLED,
  evicts: false,
  durability: 'power',
  nativeExpiry: true,
  minWriteIntervalMs: 0,
} as const satisfies Partial<StorageCapabilities>;

/** A container of OpenStack Swift as cache storage. */
export class SwiftStorage implements StorageAdapter {
  readonly #credentials: Credentials;
  readonly #bucket: string;
  readonly #backend: Backend<SwiftConnection>;
  #limits: Limits = LIMITS;

  /** @throws SettingsError if the options do not go together, or no container is named. */
  constructor(options: SwiftStorageOptions, scope: StorageScope) {
    const credentials = credentialsOf(options, scope.variablePrefix);
    const bucket = requiredBucket(scope, 'swift', 'container', isBucketName);
    this.#credentials = credentials;
    this.#bucket = bucket;
    this.#backend = new Backend({
      connect: () => SwiftConnection.open(credentials, options),
      reach: (connection, signal) => connection.reach(bucket, signal),
      failure: (error, signal) => this.#failure(error, signal),
    });
  }

  get capabilities(): StorageCapabilities {
    const { maxObjectBytes, maxMetadataBytes } = this.#limits;
    return { ...FIXED, maxObjectBytes, maxMetadataBytes };
  }

  async open({ signal }: OperationContext): Promise<void> {
    await this.#backend.open(signal, async (connection) => {
      this.#limits = limitsOf(await told(connection, signal));
    });
  }

  async close(): Promise<void> {
    await this.#backend.close();
  }

  async get(key: StorageKey, range: ByteRange | undefined, { signal }: OperationContext): Promise<GetOutcome> {
    let found: SwiftAnswer;
    try {
      found = await this.#send({
        method: 'GET',
        key,
        headers: range && { range: rangeField(range) },
        expect: range === undefined ? [200] : [200, 206, 416],
        signal,
      });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#failure(error, signal);
    }
    const { status, headers, stream } = found;
    const contentRange = headers['content-range'];
    if (status === 416) {
      stream.destroy();
      // Swift says what there is although it refuses.
      return { kind: 'range-not-satisfiable', ...infoOf(headers, sizeIn(contentRange) ?? 0) };
    }
    const length = lengthOf(headers);
    const info = (size: number) => infoOf(headers, size);
    return foundEntry({ stream, length, contentRange, info }, range, (error) => this.#failure(error, signal));
  }

  async stat(key: StorageKey, { signal }: OperationContext): Promise<EntryInfo | undefined> {
    try {
      const { headers } = await this.#send({ method: 'HEAD', key, expect: [200], signal });
      return infoOf(headers, lengthOf(headers));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#failure(error, signal);
    }
  }

  async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    { signal }: OperationContext,
  ): Promise<Version> {
    if (condition !== undefined) throw unsupported(SERVICE, 'conditional puts');
    const version = newVersion();
    const headers = nativeFields(metadata, version, Date.now());
    const { status } = await putInParts(
      body,
      signal,
      {
        partBytes: PART_BYTES,
        wholeBytes: Number.POSITIVE_INFINITY,
        whole: (bytes) => this.#put(key, bytes, headers, signal),
        inParts: async (first, rest) => {
          // What has gone cannot be sent again with another token: so whether this one works is asked before.
          await this.#open.reach(this.#bucket, signal);
          return this.#put(key, pieceByPiece(first, rest, signal), headers, signal);
        },
      },
      (error) => this.#failure(error, signal, true),
    );
    if (status === 201) return version;
    // Accepted, and without effect: a write with a later time was there before.
    throw new StorageError({ code: 'conflict', message: 'A newer write of this key was there before.' });
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    { signal }: OperationContext,
  ): Promise<Version | undefined> {
    if (condition !== undefined) throw unsupported(SERVICE, 'conditional metadata');
    const version = newVersion();
    const headers = nativeFields(metadata, version, Date.now());
    try {
      await this.#send({ method: 'POST', key, headers, expect: [202], signal });
      return version;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#failure(error, signal, true);
    }
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, { signal }: OperationContext): Promise<void> {
    if (condition !== undefined) throw unsupported(SERVICE, 'conditional deletion');
    try {
      await this.#send({ method: 'DELETE', key, expect: [204], signal });
    } catch (error) {
      if (!isMissing(error)) throw this.#failure(error, signal, true);
    }
  }

  async *list(
    prefix: string,
    after: StorageKey | undefined,
    { signal }: OperationContext,
  ): AsyncGenerator<ListedEntry, void> {
    for (let marker: string | undefined = after; ; ) {
      const page = await this.#page(prefix, marker, signal);
      for (const { name, bytes, last_modified } of page) {
        if (!isListedKey(name)) continue;
        // Listings know nothing of metadata, where the version is; their times are UTC.
        const modifiedAt = Date.parse(`${last_modified}Z`);
        yield { key: name, size: bytes, version: undefined, modifiedAt };
      }
      marker = page.at(-1)?.name;
      // A page that is not full need not be the last one.
      if (marker === undefined) return;
    }
  }

  async check({ signal }: OperationContext): Promise<CheckResult> {
    const { authUrl, authVersion } = this.#credentials;
    const summary = `container ${this.#bucket}, login of version ${authVersion} at ${authUrl}`;
    return this.#backend.check(summary, signal);
  }

  async #page(prefix: string, marker: string | undefined, signal: AbortSignal): Promise<readonly ListedObject[]> {
    const query = {
      format: 'json',
      limit: `${this.#limits.page}`,
      ...(prefix !== '' && { prefix }),
      ...(marker !== undefined && { marker }),
    };
    try {
      const { headers, stream } = await this.#send({ method: 'GET', query, expect: [200], signal });
      const text = await collect(whole(stream, lengthOf(headers), (error) => error));
      return listedIn(Buffer.from(text).toString());
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  #put(
    key: StorageKey,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    headers: HttpFields,
    signal: AbortSignal,
  ): Promise<SwiftAnswer> {
    return this.#send({ method: 'PUT', key, headers, body, expect: PUT_ANSWERS, signal });
  }

  #send(request: Omit<SwiftRequest, 'bucket'>): Promise<SwiftAnswer> {
    return this.#open.send({ ...request, bucket: this.#bucket });
  }

  #failure(error: unknown, signal: AbortSignal, write = false): unknown {
    return toStorageError(error, { bucket: this.#bucket, write, signal });
  }

  get #open(): SwiftConnection {
    return this.#backend.connection;
  }
}

/** One row of a listing in JSON. */
interface ListedObject {
  readonly name: string;
  readonly bytes: number;
  /** `2026-11-22T04:57:55.746970`, UTC. */
  readonly last_modified: string;
}

function listedIn(text: string): readonly ListedObject[] {
  try {
    const rows: unknown = JSON.parse(text);
    if (Array.isArray(rows)) return rows.filter((row: Partial<ListedObject>) => typeof row.name === 'string');
  } catch {
    // Told below.
  }
  throw new StorageError({ code: 'unavailable', message: 'The answer to a listing is not what Swift answers.' });
}

/** What the cluster says of itself, if it does so soon: many keep it to themselves. */
async function told(connection: SwiftConnection, signal: AbortSignal): Promise<unknown> {
  try {
    return await connection.info(AbortSignal.any([signal, AbortSignal.timeout(INFO_MS)]));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
