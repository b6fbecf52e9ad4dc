import { randomUUID } from 'node:crypto';
import {
  type Body,
  BufferedBody,
  type ByteRange,
  type CheckResult,
  checkBackend,
  collect,
  type EntryInfo,
  type GetOutcome,
  type ListedEntry,
  type OperationContext,
  ofBody,
  type PutBody,
  type PutCondition,
  partOf,
  parts,
  preconditionFailed,
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
  type Version,
  type VersionCondition,
  WatchedParts,
  whole,
  whyNotAKey,
} from '@tintype/core';
import {
  IF_ABSENT,
  ifVersion,
  isBucketName,
  jsonAddress,
  listAddress,
  type Preconditions,
  uploadAddress,
  xmlAddress,
} from './addresses.ts';
import { type GcsAnswer, GcsConnection } from './client.ts';
import {
  headOf,
  INFO_FIELDS,
  infoOf,
  MAX_METADATA_BYTES,
  nativeFields,
  type ObjectResource,
  patchFields,
  VERSION_FIELDS,
  versionOf,
} from './entry-fields.ts';
import { hasStatus, isMissing, toListingError, toStorageError } from './errors.ts';
import { checkGcsOptions, type GcsStorageOptions } from './options.ts';
import { CHUNK_BYTES, ResumableUploads } from './resumable.ts';

/** Bodies up to this size are read with the answer: cheaper than a stream, and retried if they break. */
const EAGER_BYTES = 64 * 1024;

/** Keys in a page of a listing; GCS gives no more. */
const PAGE = 1_000;

const STRONG = { kind: 'strong', scope: 'store' } as const;

/** https://cloud.google.com/storage/docs/consistency, https://cloud.google.com/storage/quotas#objects */
export const GCS_CAPABILITIES: StorageCapabilities = {
  conditionalCreate: true,
  conditionalReplace: true,
  conditionalMetadata: true,
  conditionalDelete: true,
  ranges: true,
  versionCoversMetadata: true,
  readConsistency: STRONG,
  listConsistency: STRONG,
  evicts: false,
  durability: 'power',
  nativeExpiry: false,
  maxObjectBytes: 5 * 1024 ** 4,
  maxMetadataBytes: MAX_METADATA_BYTES,
  minWriteIntervalMs: 1_000,
};

/** One page of a listing. */
interface Page {
  readonly items?: readonly ObjectResource[];
  readonly nextPageToken?: string;
}

/** A bucket of Google Cloud Storage as cache storage. */
export class GcsStorage implements StorageAdapter {
  readonly capabilities: StorageCapabilities = GCS_CAPABILITIES;
  readonly #options: GcsStorageOptions;
  readonly #scope: StorageScope;
  readonly #bucket: string;
  #connection: GcsConnection | undefined;
  #uploads: ResumableUploads | undefined;

  /** @throws SettingsError if an option is not what it must be, or no bucket is named. */
  constructor(options: GcsStorageOptions, scope: StorageScope) {
    checkGcsOptions(options, scope.variablePrefix);
    if (!isBucketName(scope.bucket)) {
      const variable = scope.bucketVariable;
      const message =
        scope.bucket === ''
          ? `${variable} is required for the storage gcs.`
          : `${variable} is ${JSON.stringify(scope.bucket)}, which cannot be the name of a bucket.`;
      throw new SettingsError([{ variable, message }]);
    }
    this.#options = options;
    this.#scope = scope;
    this.#bucket = scope.bucket;
  }

  async open({ signal }: OperationContext): Promise<void> {
    signal.throwIfAborted();
    this.#connection = await reached(this.#backend(signal));
    this.#uploads = new ResumableUploads(this.#connection, this.#bucket);
  }

  async close(): Promise<void> {
    await this.#uploads?.tidy();
    this.#connection?.close();
  }

  async get(key: StorageKey, range: ByteRange | undefined, { signal }: OperationContext): Promise<GetOutcome> {
    let found: GcsAnswer;
    try {
      found = await this.#open.send(
        {
          method: 'GET',
          url: xmlAddress(this.#open.endpoint, this.#bucket, key),
          headers: { 'accept-encoding': 'gzip', ...(range !== undefined && { range: rangeField(range) }) },
        },
        signal,
      );
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (range !== undefined && hasStatus(error, 416)) return this.#notSatisfiable(key, signal);
      throw this.#failure(error, signal);
    }
    const { body: stream, headers } = found;
    return ofBody(stream, async () => {
      const length = Number(headers.get('content-length') ?? headers.get('x-goog-stored-content-length') ?? 0);
      const part = range && partOf(headers.get('content-range') ?? undefined, range, length);
      const info = headOf(found, part === 'none' || part === undefined ? length : part.size);
      if (part === 'none') {
        stream.destroy();
        return { kind: 'range-not-satisfiable', ...info };
      }
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
      return { kind: 'entry', ...info, range: part, body };
    });
  }

  async stat(key: StorageKey, { signal }: OperationContext): Promise<EntryInfo | undefined> {
    const url = jsonAddress(this.#open.endpoint, this.#bucket, key, { fields: INFO_FIELDS });
    try {
      return infoOf(await this.#open.json<ObjectResource>({ method: 'GET', url }, signal));
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
    const fields = nativeFields(metadata);
    const conditions = putCondition(condition);
    const pieces = new WatchedParts(parts(body.stream(), CHUNK_BYTES));
    try {
      signal.throwIfAborted();
      const bytes = body.bytes !== undefined && body.bytes.length <= CHUNK_BYTES ? body.bytes : undefined;
      const first = bytes === undefined ? await pieces.first() : { bytes, last: true };
      const made = first.last
        ? await this.#putWhole(key, first.bytes, fields, conditions, signal)
        : await this.#uploadsOpen.put(key, first, pieces, fields, conditions, signal);
      return versionOf(made, 'unknown');
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
    const query = { fields: VERSION_FIELDS, ...(condition && ifVersion(condition)) };
    try {
      const patched = await this.#open.json<ObjectResource>(
        {
          method: 'PATCH',
          url: jsonAddress(this.#open.endpoint, this.#bucket, key, query),
          headers: { 'content-type': 'application/json; charset=UTF-8' },
          body: JSON.stringify(patchFields(metadata)),
        },
        signal,
      );
      return versionOf(patched, 'unknown');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#failure(error, signal, true);
    }
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, { signal }: OperationContext): Promise<void> {
    const url = jsonAddress(this.#open.endpoint, this.#bucket, key, condition && ifVersion(condition));
    try {
      const { body } = await this.#open.send({ method: 'DELETE', url }, signal);
      body.resume();
    } catch (error) {
      if (!isMissing(error)) throw this.#failure(error, signal, true);
      if (condition !== undefined) throw preconditionFailed();
    }
  }

  async *list(
    prefix: string,
    after: StorageKey | undefined,
    { signal }: OperationContext,
  ): AsyncGenerator<ListedEntry, void> {
    let start: Preconditions | undefined = after === undefined ? {} : { startOffset: after };
    while (start !== undefined) {
      const page: Page = await this.#page(this.#open, { prefix, maxResults: `${PAGE}`, ...start }, signal).catch(
        (error) => {
          throw this.#failure(error, signal);
        },
      );
      for (const { name, size, updated, generation, metageneration } of page.items ?? []) {
        // The offset itself is listed, too. What other tools have put into the bucket is not ours to
        // list. (The operator's prefix may have capitals.)
        if (name === undefined || name === after || whyNotAKey(name.toLowerCase()) !== undefined) continue;
        yield {
          key: name as StorageKey,
          size: Number(size ?? 0),
          version: versionOf({ generation, metageneration }),
          modifiedAt: Date.parse(updated ?? '') || 0,
        };
      }
      start = page.nextPageToken === undefined ? undefined : { ...start, pageToken: page.nextPageToken };
    }
  }

  async check({ signal }: OperationContext): Promise<CheckResult> {
    const { endpoint } = this.#options;
    const summary = `bucket ${this.#bucket}${endpoint === undefined ? '' : ` at ${endpoint}`}`;
    return checkBackend(summary, this.#backend(signal), this.#connection);
  }

  #backend(signal: AbortSignal): Reachable<GcsConnection> {
    return {
      connect: () => GcsConnection.open(this.#options),
      reach: (connection) => this.#reach(connection, signal),
      failure: (error) => toListingError(error, { bucket: this.#bucket, write: false, signal }),
    };
  }

  /** Whether there is a bucket, and somebody who takes our token and lets us list. */
  async #reach(connection: GcsConnection, signal: AbortSignal): Promise<void> {
    await this.#page(connection, { prefix: this.#scope.pathPrefix ?? '', maxResults: '1' }, signal);
  }

  #page(connection: GcsConnection, query: Preconditions, signal: AbortSignal): Promise<Page> {
    const fields = `items(name,size,updated,${VERSION_FIELDS}),nextPageToken`;
    const url = listAddress(connection.endpoint, this.#bucket, { ...query, fields });
    return connection.json<Page>({ method: 'GET', url }, signal);
  }

  /** Metadata and bytes in one request. https://cloud.google.com/storage/docs/uploading-objects#uploading-an-object */
  #putWhole(
    name: string,
    bytes: Uint8Array,
    fields: ObjectResource,
    conditions: Preconditions,
    signal: AbortSignal,
  ): Promise<ObjectResource> {
    const boundary = randomUUID();
    const head = `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(fields)}\r\n--${boundary}\r\ncontent-type: ${fields.contentType}\r\n\r\n`;
    const query = { uploadType: 'multipart', name, fields: VERSION_FIELDS, ...conditions };
    return this.#open.json<ObjectResource>(
      {
        method: 'POST',
        url: uploadAddress(this.#open.endpoint, this.#bucket, query),
        headers: { 'content-type': `multipart/related; boundary=${boundary}` },
        body: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]),
      },
      signal,
    );
  }

  /** What there is where a range lies outside: the refusal does not say. */
  async #notSatisfiable(key: StorageKey, signal: AbortSignal): Promise<GetOutcome> {
    const info = await this.stat(key, { signal });
    return info && { kind: 'range-not-satisfiable', ...info };
  }

  #failure(error: unknown, signal: AbortSignal, write = false): unknown {
    return toStorageError(error, { bucket: this.#bucket, write, signal });
  }

  get #open(): GcsConnection {
    if (this.#connection !== undefined) return this.#connection;
    throw new StorageError({ code: 'closed', message: 'This storage has not been opened.' });
  }

  get #uploadsOpen(): ResumableUploads {
    if (this.#uploads !== undefined) return this.#uploads;
    throw new StorageError({ code: 'closed', message: 'This storage has not been opened.' });
  }
}

function putCondition(condition: PutCondition | undefined): Preconditions {
  if (condition === undefined) return {};
  return 'ifAbsent' in condition ? IF_ABSENT : ifVersion(condition);
}
