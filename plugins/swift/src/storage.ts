import {
  type Body,
  BufferedBody,
  type ByteRange,
  type ByteStream,
  type CheckResult,
  checkBackend,
  collect,
  type EntryInfo,
  type GetOutcome,
  type HttpFields,
  type ListedEntry,
  type OperationContext,
  ofBody,
  type Part,
  type PutBody,
  type PutCondition,
  partOf,
  parts,
  type Reachable,
  rangeField,
  reached,
  SettingsError,
  type StorageAdapter,
  type StorageCapabilities,
  StorageError,
  type StorageKey,
  type StorageScope,
  type StoredMetadata,
  StreamedBody,
  unsupported,
  type Version,
  type VersionCondition,
  WatchedParts,
  whole,
  whyNotAKey,
} from '@tintype/core';
import { type SwiftAnswer, SwiftConnection, type SwiftRequest } from './client.ts';
import { infoOf, lengthOf, nativeFields, newVersion, sizeIn } from './entry-fields.ts';
import { isMissing, toStorageError } from './errors.ts';
import { isContainerName, LIMITS, type Limits, limitsOf } from './limits.ts';
import { type Credentials, credentialsOf, type SwiftStorageOptions } from './options.ts';

/** How a sentence about what it cannot do begins. */
const SERVICE = 'Swift';

/** Bodies up to this size are read with the answer: cheaper than a stream, and retried if they break. */
const EAGER_BYTES = 64 * 1024;

/** Bodies that do not lie in memory are put whole up to this size, and piece by piece beyond it. */
const PART_BYTES = 1024 * 1024;

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
  readonly #options: SwiftStorageOptions;
  readonly #credentials: Credentials;
  readonly #container: string;
  #limits: Limits = LIMITS;
  #connection: SwiftConnection | undefined;

  /** @throws SettingsError if the options do not go together, or no container is named. */
  constructor(options: SwiftStorageOptions, scope: StorageScope) {
    this.#credentials = credentialsOf(options, scope.variablePrefix);
    const variable = scope.bucketVariable;
    if (scope.bucket === '') {
      throw new SettingsError([{ variable, message: `${variable} is required for the storage swift.` }]);
    }
    if (!isContainerName(scope.bucket)) {
      const message = `${variable} is ${JSON.stringify(scope.bucket)}; expected a container's name: at most 256 bytes, no slash, not "." or "..".`;
      throw new SettingsError([{ variable, message }]);
    }
    this.#options = options;
    this.#container = scope.bucket;
  }

  get capabilities(): StorageCapabilities {
    const { maxObjectBytes, maxMetadataBytes } = this.#limits;
    return { ...FIXED, maxObjectBytes, maxMetadataBytes };
  }

  async open({ signal }: OperationContext): Promise<void> {
    signal.throwIfAborted();
    const connection = await reached(this.#backend(signal));
    try {
      this.#limits = limitsOf(await told(connection, signal));
    } catch (error) {
      await connection.close();
      throw this.#failure(error, signal);
    }
    this.#connection = connection;
  }

  async close(): Promise<void> {
    await this.#connection?.close();
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
    return ofBody(stream, async () => {
      const length = lengthOf(headers);
      if (status === 416) {
        stream.destroy();
        // Swift says what there is although it refuses.
        return { kind: 'range-not-satisfiable', ...infoOf(headers, sizeIn(headers['content-range']) ?? 0) };
      }
      const part = range && partOf(headers['content-range'], range, length);
      if (part === 'none') {
        stream.destroy();
        return { kind: 'range-not-satisfiable', ...infoOf(headers, length) };
      }
      const size = part?.size ?? length;
      const bytes = whole(stream, length, (error) => this.#failure(error, signal));
      const body: Body =
        length <= EAGER_BYTES
          ? new BufferedBody(await collect(bytes))
          : new StreamedBody(
              () => bytes,
              () => {
                stream.destroy();
              },
            );
      return { kind: 'entry', ...infoOf(headers, size), range: part, body };
    });
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
    const pieces = new WatchedParts(parts(body.stream(), PART_BYTES));
    try {
      signal.throwIfAborted();
      const first = body.bytes === undefined ? await pieces.first() : { bytes: body.bytes, last: true };
      const { status } = first.last
        ? await this.#putWhole(key, first.bytes, headers, signal)
        : await this.#putPieces(key, first, pieces, headers, signal);
      if (status === 201) return version;
      // Accepted, and without effect: a write with a later time was there before.
      throw new StorageError({ code: 'conflict', message: 'A newer write of this key was there before.' });
    } catch (error) {
      if (pieces.failure !== undefined) throw pieces.failure.error;
      throw this.#failure(error, signal, true);
    } finally {
      await pieces.return();
    }
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
        // What other tools have put into the container is not ours to list. (The operator's prefix may have capitals.)
        if (whyNotAKey(name.toLowerCase()) !== undefined) continue;
        // Listings know nothing of metadata, where the version is; their times are UTC.
        const modifiedAt = Date.parse(`${last_modified}Z`);
        yield { key: name as StorageKey, size: bytes, version: undefined, modifiedAt };
      }
      marker = page.at(-1)?.name;
      // A page that is not full need not be the last one.
      if (marker === undefined) return;
    }
  }

  async check({ signal }: OperationContext): Promise<CheckResult> {
    const { authUrl, authVersion } = this.#credentials;
    const summary = `container ${this.#container}, login of version ${authVersion} at ${authUrl}`;
    return checkBackend(summary, this.#backend(signal), this.#connection);
  }

  #backend(signal: AbortSignal): Reachable<SwiftConnection> {
    return {
      connect: () => SwiftConnection.open(this.#credentials, this.#options),
      reach: (connection) => connection.reach(this.#container, signal),
      failure: (error) => this.#failure(error, signal),
    };
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

  #putWhole(key: StorageKey, body: Uint8Array, headers: HttpFields, signal: AbortSignal): Promise<SwiftAnswer> {
    return this.#send({ method: 'PUT', key, headers, body, expect: PUT_ANSWERS, signal });
  }

  /** What has gone cannot be sent again with another token: so whether this one works is asked before. */
  async #putPieces(
    key: StorageKey,
    first: Part,
    rest: AsyncIterator<Part>,
    headers: HttpFields,
    signal: AbortSignal,
  ): Promise<SwiftAnswer> {
    await this.#open.reach(this.#container, signal);
    return this.#send({
      method: 'PUT',
      key,
      headers,
      body: joined(first, rest, signal),
      expect: PUT_ANSWERS,
      signal,
    });
  }

  #send(request: Omit<SwiftRequest, 'container'>): Promise<SwiftAnswer> {
    return this.#open.send({ ...request, container: this.#container });
  }

  #failure(error: unknown, signal: AbortSignal, write = false): unknown {
    return toStorageError(error, { container: this.#container, write, signal });
  }

  get #open(): SwiftConnection {
    if (this.#connection !== undefined) return this.#connection;
    throw new StorageError({ code: 'closed', message: 'This storage has not been opened.' });
  }
}

/** Pieces that are not overwritten while they wait to be sent. The end of them is what commits. */
async function* joined(first: Part, rest: AsyncIterator<Part>, signal: AbortSignal): ByteStream {
  yield Uint8Array.from(first.bytes);
  for (;;) {
    const { value } = await rest.next();
    if (!value) break;
    if (value.bytes.length > 0) yield Uint8Array.from(value.bytes);
    if (value.last) break;
  }
  signal.throwIfAborted();
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
