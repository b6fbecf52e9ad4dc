import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput, ListObjectsV2CommandInput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import {
  type Body,
  BufferedBody,
  type ByteRange,
  type CheckResult,
  type Consistency,
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
  readable,
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
import { S3Connection } from './client.ts';
import { ALL_CONDITIONS, type Conditions, NO_CONDITIONS, probeConditions } from './conditional-writes.ts';
import { etagOf, infoOf, nativeFields, versionOf } from './entry-fields.ts';
import { hasStatus, isMissing, toListingError, toStorageError } from './errors.ts';
import { MAX_PARTS, MultipartUploads, PART_BYTES, type UploadCondition } from './multipart.ts';
import { checkS3Options, type S3StorageOptions } from './options.ts';
import { type S3Target, targetOf } from './target.ts';

/** How a sentence about what it cannot do begins. */
const SERVICE = 'This S3 service';

/** Bodies up to this size are read with the answer: cheaper than a stream, and retried if they break. */
const EAGER_BYTES = 64 * 1024;

/** Keys in a page of a listing; S3 gives no more. */
const PAGE = 1_000;

/** Where a service is eventually consistent: when readers agree after the last write, in milliseconds. */
const SETTLE_MS = 1_000;

/** What does not depend upon the service. */
const FIXED = {
  ranges: true,
  // The ETag is about the bytes alone.
  versionCoversMetadata: false,
  evicts: false,
  durability: 'power',
  nativeExpiry: false,
  maxObjectBytes: MAX_PARTS * PART_BYTES,
  // 2 KiB of user-defined metadata, names included; ours are spread over up to eight fields.
  maxMetadataBytes: 1_900,
  minWriteIntervalMs: 0,
} as const satisfies Partial<StorageCapabilities>;

/** A bucket of S3, or of a service that speaks its protocol, as cache storage. */
export class S3Storage implements StorageAdapter {
  readonly #options: S3StorageOptions;
  readonly #scope: StorageScope;
  readonly #target: S3Target;
  readonly #consistency: Consistency;
  #conditions: Conditions;
  #connection: S3Connection | undefined;
  #uploads: MultipartUploads | undefined;

  /** @throws SettingsError if the options do not go together, or no bucket is named. */
  constructor(options: S3StorageOptions, scope: StorageScope) {
    checkS3Options(options, scope.variablePrefix);
    if (scope.bucket === '') {
      const variable = scope.bucketVariable;
      throw new SettingsError([{ variable, message: `${variable} is required for the storage s3.` }]);
    }
    this.#options = options;
    this.#scope = scope;
    this.#target = targetOf(scope.bucket, options);
    this.#consistency =
      options.consistency === 'eventual'
        ? { kind: 'eventual', scope: 'store', settleMs: SETTLE_MS }
        : { kind: 'strong', scope: 'store' };
    this.#conditions = options.conditionalWrites === 'off' ? NO_CONDITIONS : ALL_CONDITIONS;
  }

  get capabilities(): StorageCapabilities {
    return { ...FIXED, ...this.#conditions, readConsistency: this.#consistency, listConsistency: this.#consistency };
  }

  async open({ signal }: OperationContext): Promise<void> {
    signal.throwIfAborted();
    const connection = await reached(this.#backend(signal));
    try {
      this.#conditions = await this.#probe(connection, signal);
    } catch (error) {
      connection.close();
      throw this.#failure(error, signal);
    }
    this.#connection = connection;
    this.#uploads = new MultipartUploads(connection, this.#target.bucket);
  }

  async close(): Promise<void> {
    await this.#uploads?.tidy();
    this.#connection?.close();
  }

  async get(key: StorageKey, range: ByteRange | undefined, { signal }: OperationContext): Promise<GetOutcome> {
    const { sdk } = this.#open;
    const Range = range && rangeField(range);
    let found: GetObjectCommandOutput;
    try {
      found = await this.#open.run(this.#target.bucket, (client) =>
        client.send(
          new sdk.GetObjectCommand({ Bucket: this.#target.bucket, Key: key, ...(Range !== undefined && { Range }) }),
          { abortSignal: signal },
        ),
      );
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (range !== undefined && hasStatus(error, 416)) return this.#notSatisfiable(key, signal);
      throw this.#failure(error, signal);
    }
    const stream = readable(found.Body as Readable | undefined);
    return ofBody(stream, async () => {
      const length = found.ContentLength ?? 0;
      const part = range && partOf(found.ContentRange, range, length);
      if (part === 'none') {
        stream.destroy();
        return { kind: 'range-not-satisfiable', ...infoOf(found, length) };
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

  /**
   * Asks for one byte instead of HEAD: an answer to HEAD has no body to say whether the entry or the
   * bucket is missing, and some services put it together of two states of an entry.
   */
  async stat(key: StorageKey, { signal }: OperationContext): Promise<EntryInfo | undefined> {
    const outcome = await this.get(key, { first: 0, last: 0 }, { signal });
    if (outcome?.kind === 'entry') await outcome.body.discard();
    return outcome && { metadata: outcome.metadata, size: outcome.size, version: outcome.version };
  }

  async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    { signal }: OperationContext,
  ): Promise<Version> {
    const fields = { ...this.#target.fields, ...nativeFields(metadata) };
    const conditions = this.#putCondition(condition);
    const pieces = new WatchedParts(parts(body.stream(), PART_BYTES));
    try {
      signal.throwIfAborted();
      const whole = body.bytes !== undefined && body.bytes.length <= PART_BYTES ? body.bytes : undefined;
      const first = whole === undefined ? await pieces.first() : { bytes: whole, last: true };
      const etag = first.last
        ? await this.#putWhole(key, first.bytes, fields, conditions, signal)
        : await this.#uploadsOpen.put(key, first, pieces, fields, conditions, signal);
      if (etag !== undefined) return versionOf(etag);
      // Swift's answer to a write that came after a newer one: accepted, and without effect.
      throw new StorageError({ code: 'conflict', message: 'A newer write of this key was there before.' });
    } catch (error) {
      if (pieces.failure !== undefined) throw pieces.failure.error;
      // The entry that a condition is about is gone: it does not hold.
      if (condition !== undefined && isMissing(error)) throw preconditionFailed();
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
    const { bucket, fields } = this.#target;
    if (condition !== undefined && !this.#conditions.conditionalMetadata)
      throw unsupported(SERVICE, 'conditional metadata');
    const etag = condition && etagOf(condition.ifVersion);
    const { sdk } = this.#open;
    try {
      const { CopyObjectResult } = await this.#open.run(bucket, (client) =>
        client.send(
          new sdk.CopyObjectCommand({
            Bucket: bucket,
            Key: key,
            CopySource: `${bucket}/${key}`,
            MetadataDirective: 'REPLACE',
            ...fields,
            ...nativeFields(metadata),
            ...(etag !== undefined && { IfMatch: etag, CopySourceIfMatch: etag }),
          }),
          { abortSignal: signal },
        ),
      );
      return versionOf(CopyObjectResult?.ETag, 'unknown');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#failure(error, signal, true);
    }
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, { signal }: OperationContext): Promise<void> {
    if (condition !== undefined && !this.#conditions.conditionalDelete)
      throw unsupported(SERVICE, 'conditional deletion');
    const etag = condition && etagOf(condition.ifVersion);
    const { sdk } = this.#open;
    try {
      await this.#open.run(this.#target.bucket, (client) =>
        client.send(
          new sdk.DeleteObjectCommand({
            Bucket: this.#target.bucket,
            Key: key,
            ...(etag !== undefined && { IfMatch: etag }),
          }),
          { abortSignal: signal },
        ),
      );
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
    let start: Pick<ListObjectsV2CommandInput, 'StartAfter' | 'ContinuationToken'> | undefined = {
      ...(after !== undefined && { StartAfter: after }),
    };
    while (start !== undefined) {
      const page = await this.#page({ Prefix: prefix, MaxKeys: PAGE, ...start }, signal);
      for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
        // What other tools have put into the bucket is not ours to list. (The operator's prefix may have capitals.)
        if (Key === undefined || whyNotAKey(Key.toLowerCase()) !== undefined) continue;
        yield {
          key: Key as StorageKey,
          size: Size ?? 0,
          version: ETag === undefined ? undefined : versionOf(ETag),
          modifiedAt: LastModified?.getTime() ?? 0,
        };
      }
      const next = page.NextContinuationToken;
      start = page.IsTruncated && next !== undefined ? { ContinuationToken: next } : undefined;
    }
  }

  async check({ signal }: OperationContext): Promise<CheckResult> {
    const { bucket } = this.#target;
    const { endpoint } = this.#options;
    const conditions = this.#conditions.conditionalCreate ? 'with' : 'without';
    const summary = `bucket ${bucket}${endpoint === undefined ? '' : ` at ${endpoint}`}, ${conditions} conditional writes`;
    return checkBackend(summary, this.#backend(signal), this.#connection);
  }

  #backend(signal: AbortSignal): Reachable<S3Connection> {
    return {
      connect: () => S3Connection.open(this.#options),
      reach: (connection) => this.#reach(connection, signal),
      failure: (error) => toListingError(error, { bucket: this.#target.bucket, write: false, signal }),
    };
  }

  /** Whether there is a bucket, and somebody who takes our signature and lets us list. */
  async #reach(connection: S3Connection, abortSignal: AbortSignal): Promise<void> {
    const { sdk } = connection;
    const { bucket: Bucket } = this.#target;
    const input = { Bucket, MaxKeys: 1, Prefix: this.#scope.pathPrefix ?? '' };
    await connection.run(Bucket, (client) => client.send(new sdk.ListObjectsV2Command(input), { abortSignal }));
  }

  async #page(
    input: Omit<ListObjectsV2CommandInput, 'Bucket'>,
    abortSignal: AbortSignal,
  ): Promise<ListObjectsV2CommandOutput> {
    const { sdk } = this.#open;
    const { bucket: Bucket } = this.#target;
    try {
      return await this.#open.run(Bucket, (client) =>
        client.send(new sdk.ListObjectsV2Command({ Bucket, ...input }), { abortSignal }),
      );
    } catch (error) {
      throw this.#failure(error, abortSignal);
    }
  }

  async #putWhole(
    Key: string,
    Body: Uint8Array,
    fields: object,
    conditions: UploadCondition,
    abortSignal: AbortSignal,
  ): Promise<string | undefined> {
    const { sdk } = this.#open;
    const { bucket: Bucket } = this.#target;
    const input = { Bucket, Key, Body, ContentLength: Body.length, ...fields, ...conditions };
    const { ETag } = await this.#open.run(Bucket, (client) =>
      client.send(new sdk.PutObjectCommand(input), { abortSignal }),
    );
    return ETag;
  }

  #putCondition(condition: PutCondition | undefined): UploadCondition {
    if (condition === undefined) return {};
    if ('ifAbsent' in condition) {
      if (!this.#conditions.conditionalCreate) throw unsupported(SERVICE, 'conditional creation');
      return { IfNoneMatch: '*' };
    }
    if (!this.#conditions.conditionalReplace) throw unsupported(SERVICE, 'conditional puts');
    return { IfMatch: etagOf(condition.ifVersion) };
  }

  /** What there is where a range lies outside: the refusal does not say. */
  async #notSatisfiable(Key: StorageKey, signal: AbortSignal): Promise<GetOutcome> {
    const { sdk } = this.#open;
    const { bucket: Bucket } = this.#target;
    try {
      const found = await this.#open.run(Bucket, (client) =>
        client.send(new sdk.HeadObjectCommand({ Bucket, Key }), { abortSignal: signal }),
      );
      return { kind: 'range-not-satisfiable', ...infoOf(found, found.ContentLength ?? 0) };
    } catch (error) {
      // An answer to HEAD has no body to say more than 404.
      if (hasStatus(error, 404)) return undefined;
      throw this.#failure(error, signal);
    }
  }

  async #probe(connection: S3Connection, signal: AbortSignal): Promise<Conditions> {
    const { conditionalWrites } = this.#options;
    if (conditionalWrites === 'off') return NO_CONDITIONS;
    const found = await probeConditions(connection, this.#target, this.#scope.pathPrefix ?? '', signal);
    if (conditionalWrites === 'on' && !(found.conditionalCreate && found.conditionalReplace)) {
      const variable = `${this.#scope.variablePrefix}CONDITIONAL_WRITES`;
      const message = `${variable} is "on", but the service does not honour conditions on writes; use "auto" or "off".`;
      throw new StorageError({ code: 'misconfigured', message });
    }
    return found;
  }

  #failure(error: unknown, signal: AbortSignal, write = false): unknown {
    return toStorageError(error, { bucket: this.#target.bucket, write, signal });
  }

  get #open(): S3Connection {
    if (this.#connection !== undefined) return this.#connection;
    throw new StorageError({ code: 'closed', message: 'This storage has not been opened.' });
  }

  get #uploadsOpen(): MultipartUploads {
    if (this.#uploads !== undefined) return this.#uploads;
    throw new StorageError({ code: 'closed', message: 'This storage has not been opened.' });
  }
}
