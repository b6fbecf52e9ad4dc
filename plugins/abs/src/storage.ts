import type { ContainerClient, ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob';
import {
  Backend,
  type ByteRange,
  type CheckResult,
  type EntryInfo,
  etagOfVersion,
  foundEntry,
  type GetOutcome,
  isListedKey,
  type ListedEntry,
  type OperationContext,
  type PutBody,
  type PutCondition,
  preconditionFailed,
  putInParts,
  requiredBucket,
  resolveRange,
  type StorageAdapter,
  type StorageCapabilities,
  type StorageKey,
  type StorageScope,
  type StoredMetadata,
  type Version,
  type VersionCondition,
  versionOfEtag,
} from '@tintype/core';
import { isBucketName } from './bucket-name.ts';
import { AbsConnection, bodyOf } from './client.ts';
import { infoOf, nativeFields } from './entry-fields.ts';
import { hasStatus, isMissing, toListingError, toStorageError } from './errors.ts';
import { type AbsStorageOptions, checkAbsOptions } from './options.ts';
import { MAX_PARTS, PART_BYTES, putBlocks, type UploadCondition } from './uploads.ts';

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
  readonly #bucket: string;
  readonly #backend: Backend<AbsConnection>;

  /** @throws SettingsError if the options do not go together, or no container is named. */
  constructor(options: AbsStorageOptions, scope: StorageScope) {
    checkAbsOptions(options, scope.variablePrefix);
    const bucket = requiredBucket(scope, 'abs', 'container', isBucketName);
    this.#options = options;
    this.#bucket = bucket;
    this.#backend = new Backend({
      connect: () => AbsConnection.open(options),
      reach: (connection, signal) => connection.reach(bucket, signal),
      failure: (error, signal) => this.#failure(error, signal),
    });
  }

  async open({ signal }: OperationContext): Promise<void> {
    await this.#backend.open(signal);
  }

  async close(): Promise<void> {
    await this.#backend.close();
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
    const etag = await putInParts(
      body,
      signal,
      {
        partBytes: PART_BYTES,
        async whole(bytes) {
          const options = { ...fields, conditions, abortSignal: signal };
          return (await client.upload(bytes, bytes.length, options)).etag;
        },
        inParts: (first, rest) => putBlocks(client, first, rest, fields, conditions, signal),
      },
      // The entry that a condition is about is gone: it does not hold.
      (error) =>
        condition !== undefined && isMissing(error) ? preconditionFailed() : this.#failure(error, signal, true),
    );
    return versionOfEtag(etag, 'unknown');
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
      return versionOfEtag(etag, 'unknown');
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
        if (!isListedKey(name)) continue;
        yield {
          key: name,
          size: properties.contentLength ?? 0,
          version: versionOfEtag(properties.etag),
          modifiedAt: properties.lastModified.getTime(),
        };
      }
    }
  }

  async check({ signal }: OperationContext): Promise<CheckResult> {
    const { endpoint, name } = this.#options;
    const account = endpoint ?? (name === undefined ? undefined : `account ${name}`);
    const summary = `container ${this.#bucket}${account === undefined ? '' : ` at ${account}`}`;
    return this.#backend.check(summary, signal);
  }

  async *#pages(
    prefix: string,
    maxPageSize: number,
    abortSignal: AbortSignal,
  ): AsyncGenerator<ContainerListBlobFlatSegmentResponse, void> {
    try {
      yield* this.#open.listBlobsFlat({ prefix, abortSignal }).byPage({ maxPageSize });
    } catch (error) {
      throw toListingError(error, { bucket: this.#bucket, write: false, signal: abortSignal });
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
    const { contentLength: length = 0, contentRange } = found;
    const info = (size: number) => infoOf(found, size);
    const outcome = await foundEntry({ stream: bodyOf(found), length, contentRange, info }, range, (error) =>
      this.#failure(error, signal),
    );
    // Its size is not told with that.
    return outcome.kind === 'entry' ? outcome : this.#notSatisfiable(key, signal);
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
    return toStorageError(error, { bucket: this.#bucket, write, signal });
  }

  get #open(): ContainerClient {
    return this.#backend.connection.container(this.#bucket);
  }
}

function putCondition(condition: PutCondition | undefined): UploadCondition {
  if (condition === undefined) return {};
  return 'ifAbsent' in condition ? { ifNoneMatch: '*' } : versionCondition(condition);
}

function versionCondition(condition: VersionCondition | undefined): UploadCondition {
  return condition === undefined ? {} : { ifMatch: etagOfVersion(condition.ifVersion) };
}
