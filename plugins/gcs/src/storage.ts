import { randomUUID } from 'node:crypto';
import {
  Backend,
  type ByteRange,
  type CheckResult,
  type EntryInfo,
  foundEntry,
  type GetOutcome,
  isListedKey,
  type ListedEntry,
  type OperationContext,
  type PutBody,
  type PutCondition,
  preconditionFailed,
  putInParts,
  rangeField,
  requiredBucket,
  type StorageAdapter,
  type StorageCapabilities,
  type StorageKey,
  type StorageScope,
  type StoredMetadata,
  type Version,
  type VersionCondition,
} from '@tintype/core';
import {
  IF_ABSENT,
  ifVersion,
  jsonAddress,
  listAddress,
  type Preconditions,
  uploadAddress,
  xmlAddress,
} from './addresses.ts';
import { isBucketName } from './bucket-name.ts';
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
import { GcsUploads, PART_BYTES } from './uploads.ts';

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
  readonly #backend: Backend<GcsConnection>;
  readonly #uploads: GcsUploads;

  /** @throws SettingsError if an option is not what it must be, or no bucket is named. */
  constructor(options: GcsStorageOptions, scope: StorageScope) {
    checkGcsOptions(options, scope.variablePrefix);
    const bucket = requiredBucket(scope, 'gcs', 'bucket', isBucketName);
    this.#options = options;
    this.#scope = scope;
    this.#bucket = bucket;
    this.#backend = new Backend({
      connect: () => GcsConnection.open(options),
      reach: (connection, signal) => this.#reach(connection, signal),
      failure: (error, signal) => toListingError(error, { bucket, write: false, signal }),
    });
    this.#uploads = new GcsUploads(this.#backend, bucket);
  }

  async open({ signal }: OperationContext): Promise<void> {
    await this.#backend.open(signal);
  }

  async close(): Promise<void> {
    await this.#uploads.tidy();
    await this.#backend.close();
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
    const length = Number(headers.get('content-length') ?? headers.get('x-goog-stored-content-length') ?? 0);
    const contentRange = headers.get('content-range') ?? undefined;
    const info = (size: number) => headOf(found, size);
    return foundEntry({ stream, length, contentRange, info }, range, (error) => this.#failure(error, signal));
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
    const fields = nativeFields(metadata, Date.now());
    const conditions = putCondition(condition);
    const made = await putInParts(
      body,
      signal,
      {
        partBytes: PART_BYTES,
        whole: (bytes) => this.#putWhole(key, bytes, fields, conditions, signal),
        inParts: (first, rest) => this.#uploads.put(key, first, rest, fields, conditions, signal),
      },
      (error) => this.#failure(error, signal, true),
    );
    return versionOf(made, 'unknown');
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    { signal }: OperationContext,
  ): Promise<Version | undefined> {
    const query = { fields: VERSION_FIELDS, ...(condition && ifVersion(condition)) };
    const { customTime, ...fields } = patchFields(metadata, Date.now());
    const patched = (body: object) =>
      this.#open.json<ObjectResource>(
        {
          method: 'PATCH',
          url: jsonAddress(this.#open.endpoint, this.#bucket, key, query),
          headers: { 'content-type': 'application/json; charset=UTF-8' },
          body: JSON.stringify(body),
        },
        signal,
      );
    try {
      const made = await patched({ ...fields, customTime }).catch((error: unknown) => {
        // A machine whose clock is ahead has set a later time, which cannot be set back.
        if (hasStatus(error, 400)) return patched(fields);
        throw error;
      });
      return versionOf(made, 'unknown');
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
        // The offset itself is listed, too.
        if (name === after || !isListedKey(name)) continue;
        yield {
          key: name,
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
    return this.#backend.check(summary, signal);
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
    return this.#backend.connection;
  }
}

function putCondition(condition: PutCondition | undefined): Preconditions {
  if (condition === undefined) return {};
  return 'ifAbsent' in condition ? IF_ABSENT : ifVersion(condition);
}
