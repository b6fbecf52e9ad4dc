import { Readable } from 'node:stream';
import type {
  BlobDownloadResponseParsed,
  ContainerClient,
  ContainerListBlobFlatSegmentResponse,
} from '@azure/storage-blob';
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
  reached,
  readable,
  resolveRange,
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
import { AbsConnection } from './client.ts';
import { etagOf, infoOf, nativeFields, versionOf } from './entry-fields.ts';
import { hasStatus, isMissing, toStorageError } from './errors.ts';
import { MAX_PARTS, PART_BYTES, putBlocks, type UploadCondition } from './multipart.ts';
import { type AbsStorageOptions, checkAbsOptions } from './options.ts';

/** Bodies up to this size are read with the answer: cheaper than a stream, and retried if they break. */
const EAGER_BYTES = 64 * 1024;

/** Keys in a page of a listing; Azure gives up to five times as many. */
const PAGE = 1_000;

/** A container of Azure Blob Storage as cache storage. */
export class AbsStorage implements StorageAdapter {
  readonly capabilities: StorageCapabilities = {
    conditionalCreate: true,
    conditionalReplace: true,
    conditionalMetadata: true,
    conditionalDelete: true,
    ranges: true,
    // The ETag changes with every write to the blob, its metadata included.
    versionCoversMetadata: true,
    readConsistency: { kind: 'strong', scope: 'store' },
    listConsistency: { kind: 'strong', scope: 'store' },
    evicts: false,
    durability: 'power',
    nativeExpiry: false,
    maxObjectBytes: MAX_PARTS * PART_BYTES,
    // 8 KiB of metadata, names included; ours are spread over up to 28 fields.
    maxMetadataBytes: 7_000,
    minWriteIntervalMs: 0,
  };
  readonly #options: AbsStorageOptions;
  readonly #scope: StorageScope;
  #connection: AbsConnection | undefined;
  #container: ContainerClient | undefined;

  /** @throws SettingsError if the options do not go together, or no container is named. */
  constructor(options: AbsStorageOptions, scope: StorageScope) {
    checkAbsOptions(options, scope.variablePrefix);
    if (scope.bucket === '') {
      const variable = scope.bucketVariable;
      throw new SettingsError([{ variable, message: `${variable} is required for the storage abs.` }]);
    }
    this.#options = options;
    this.#scope = scope;
  }

  async open({ signal }: OperationContext): Promise<void> {
    signal.throwIfAborted();
    const connection = await reached(this.#backend(signal));
    this.#connection = connection;
    this.#container = connection.container(this.#scope.bucket);
  }

  async close(): Promise<void> {
    this.#connection?.close();
  }

  async get(key: StorageKey, range: ByteRange | undefined, { signal }: OperationContext): Promise<GetOutcome> {
    if (range !== undefined && 'suffix' in range) return this.#getEnd(key, range, signal);
    try {
      return await this.#download(key, range, {}, signal);
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (range !== undefined && hasStatus(error, 416)) return this.#notSatisfiable(key, signal);
      throw this.#failure(error, signal);
    }
  }

  async stat(key: StorageKey, { signal }: OperationContext): Promise<EntryInfo | undefined> {
    try {
      const found = await this.#open.getBlobClient(key).getProperties({ abortSignal: signal });
      return infoOf(found, found.contentLength ?? 0);
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
    const client = this.#open.getBlockBlobClient(key);
    const pieces = new WatchedParts(parts(body.stream(), PART_BYTES));
    try {
      signal.throwIfAborted();
      const whole = body.bytes !== undefined && body.bytes.length <= PART_BYTES ? body.bytes : undefined;
      const first = whole === undefined ? await pieces.first() : { bytes: whole, last: true };
      if (!first.last) {
        return versionOf(await putBlocks(client, first, pieces, fields, conditions, signal), 'unknown');
      }
      const { etag } = await client.upload(first.bytes, first.bytes.length, {
        ...fields,
        conditions,
        abortSignal: signal,
      });
      return versionOf(etag, 'unknown');
    } catch (error) {
      if (pieces.failure !== undefined) throw pieces.failure.error;
      // The entry that a condition is about is gone: it does not hold.
      if (condition !== undefined && isMissing(error)) throw preconditionFailed();
      throw this.#failure(error, signal, true);
    } finally {
      await pieces.return();
    }
  }

  /**
   * Content type and cache control stay as the last put has set them: Azure changes these by a
   * request of its own, and an entry would be in between for a while.
   */
  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    { signal }: OperationContext,
  ): Promise<Version | undefined> {
    const conditions = versionCondition(condition);
    const { metadata: fields } = nativeFields(metadata);
    try {
      const { etag } = await this.#open.getBlobClient(key).setMetadata(fields, { conditions, abortSignal: signal });
      return versionOf(etag, 'unknown');
    } catch (error) {
      if (isMissing(error)) return undefined;
      // No entry has no version either; which of both it is, Azure does not say.
      if (hasStatus(error, 412) && (await this.stat(key, { signal })) === undefined) return undefined;
      throw this.#failure(error, signal, true);
    }
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, { signal }: OperationContext): Promise<void> {
    const conditions = versionCondition(condition);
    try {
      // A blob that has snapshots is not deleted without them.
      await this.#open.getBlobClient(key).delete({ deleteSnapshots: 'include', conditions, abortSignal: signal });
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
    for await (const page of this.#pages(prefix, PAGE, signal)) {
      for (const { name, properties } of page.segment.blobItems) {
        // There is no key to begin after: pages before it are read and left out.
        if (after !== undefined && name <= after) continue;
        // What other tools have put into the container is not ours to list. (The operator's prefix may have capitals.)
        if (whyNotAKey(name.toLowerCase()) !== undefined) continue;
        yield {
          key: name as StorageKey,
          size: properties.contentLength ?? 0,
          version: versionOf(properties.etag),
          modifiedAt: properties.lastModified.getTime(),
        };
      }
    }
  }

  async check({ signal }: OperationContext): Promise<CheckResult> {
    const { bucket } = this.#scope;
    const { endpoint, name } = this.#options;
    const account = endpoint ?? (name === undefined ? undefined : `account ${name}`);
    const summary = `container ${bucket}${account === undefined ? '' : ` at ${account}`}`;
    return checkBackend(summary, this.#backend(signal), this.#connection);
  }

  #backend(signal: AbortSignal): Reachable<AbsConnection> {
    return {
      connect: () => AbsConnection.open(this.#options),
      reach: (connection) => this.#reach(connection, signal),
      failure: (error) => this.#failure(error, signal),
    };
  }

  /** Whether there is a container, and somebody who takes our signature and lets us list. */
  async #reach(connection: AbsConnection, signal: AbortSignal): Promise<void> {
    const { bucket, pathPrefix = '' } = this.#scope;
    await this.#pages(pathPrefix, 1, signal, connection.container(bucket)).next();
  }

  async *#pages(
    prefix: string,
    maxPageSize: number,
    abortSignal: AbortSignal,
    container: ContainerClient = this.#open,
  ): AsyncGenerator<ContainerListBlobFlatSegmentResponse, void> {
    try {
      yield* container.listBlobsFlat({ prefix, abortSignal }).byPage({ maxPageSize });
    } catch (error) {
      throw this.#failure(error, abortSignal);
    }
  }

  async #download(
    key: StorageKey,
    range: Exclude<ByteRange, { suffix: number }> | undefined,
    conditions: UploadCondition,
    signal: AbortSignal,
  ): Promise<GetOutcome> {
    const { first = 0, last } = range ?? {};
    const found = await this.#open
      .getBlobClient(key)
      .download(first, last === undefined ? undefined : last - first + 1, {
        conditions,
        abortSignal: signal,
        maxRetryRequests: 0,
      });
    const stream = bodyOf(found);
    return ofBody(stream, async () => {
      const length = found.contentLength ?? 0;
      const part = range && partOf(found.contentRange, range, length);
      if (part === 'none') {
        stream.destroy();
        return this.#notSatisfiable(key, signal);
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
      return { kind: 'entry', ...infoOf(found, size), range: part, body };
    });
  }

  /** Azure knows no range that counts from the end: the size is asked for first. */
  async #getEnd(key: StorageKey, range: ByteRange, signal: AbortSignal): Promise<GetOutcome> {
    for (;;) {
      const info = await this.stat(key, { signal });
      if (info === undefined) return undefined;
      const wanted = resolveRange(range, info.size);
      if (wanted === undefined) return { kind: 'range-not-satisfiable', ...info };
      try {
        return await this.#download(key, wanted, { ifMatch: info.version }, signal);
      } catch (error) {
        if (isMissing(error)) return undefined;
        // Another entry by now, perhaps of another size.
        if (!hasStatus(error, 412)) throw this.#failure(error, signal);
      }
    }
  }

  /** What there is where a range lies outside: the refusal does not say. */
  async #notSatisfiable(key: StorageKey, signal: AbortSignal): Promise<GetOutcome> {
    const info = await this.stat(key, { signal });
    return info && { kind: 'range-not-satisfiable', ...info };
  }

  #failure(error: unknown, signal: AbortSignal, write = false): unknown {
    return toStorageError(error, { container: this.#scope.bucket, write, signal });
  }

  get #open(): ContainerClient {
    if (this.#container !== undefined) return this.#container;
    throw new StorageError({ code: 'closed', message: 'This storage has not been opened.' });
  }
}

function putCondition(condition: PutCondition | undefined): UploadCondition {
  if (condition === undefined) return {};
  return 'ifAbsent' in condition ? { ifNoneMatch: '*' } : versionCondition(condition);
}

function versionCondition(condition: VersionCondition | undefined): UploadCondition {
  return condition === undefined ? {} : { ifMatch: etagOf(condition.ifVersion) };
}

function bodyOf({ readableStreamBody }: BlobDownloadResponseParsed): Readable {
  if (readableStreamBody === undefined || readableStreamBody instanceof Readable) return readable(readableStreamBody);
  throw new TypeError('The SDK gave a body that is no stream of Node.');
}
