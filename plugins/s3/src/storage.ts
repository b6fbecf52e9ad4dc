import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput, ListObjectsV2CommandInput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import {
  Backend,
  type ByteRange,
  type CheckResult,
  type Consistency,
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
  rangeField,
  readable,
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
  versionOfEtag,
} from '@tintype/core';
import { S3Connection } from './client.ts';
import { ALL_CONDITIONS, type Conditions, NO_CONDITIONS, probeConditions } from './conditional-writes.ts';
import { infoOf, nativeFields } from './entry-fields.ts';
import { hasStatus, isMissing, toListingError, toStorageError } from './errors.ts';
import { checkS3Options, type S3StorageOptions } from './options.ts';
import { type S3Target, targetOf } from './target.ts';
import { MAX_PARTS, PART_BYTES, S3Uploads, type UploadCondition } from './uploads.ts';

/** How a sentence about what it cannot do begins. */
const SERVICE = 'This S3 service';

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
  readonly #backend: Backend<S3Connection>;
  readonly #uploads: S3Uploads;
  #conditions: Conditions;

  /** @throws SettingsError if the options do not go together, or no bucket is named. */
  constructor(options: S3StorageOptions, scope: StorageScope) {
    checkS3Options(options, scope.variablePrefix);
    const bucket = requiredBucket(scope, 's3', 'bucket');
    this.#options = options;
    this.#scope = scope;
    this.#target = targetOf(bucket, options);
    this.#consistency =
      options.consistency === 'eventual'
        ? { kind: 'eventual', scope: 'store', settleMs: SETTLE_MS }
        : { kind: 'strong', scope: 'store' };
    this.#conditions = options.conditionalWrites === 'off' ? NO_CONDITIONS : ALL_CONDITIONS;
    this.#backend = new Backend({
      connect: () => S3Connection.open(options),
      reach: (connection, signal) => this.#reach(connection, signal),
      failure: (error, signal) => toListingError(error, { bucket, write: false, signal }),
    });
    this.#uploads = new S3Uploads(this.#backend, bucket);
  }

  get capabilities(): StorageCapabilities {
    return { ...FIXED, ...this.#conditions, readConsistency: this.#consistency, listConsistency: this.#consistency };
  }

  async open({ signal }: OperationContext): Promise<void> {
    await this.#backend.open(signal, async (connection) => {
      this.#conditions = await this.#probe(connection, signal);
    });
  }

  async close(): Promise<void> {
    await this.#uploads.tidy();
    await this.#backend.close();
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
    const { ContentLength: length = 0, ContentRange: contentRange } = found;
    const stream = readable(found.Body as Readable | undefined);
    const info = (size: number) => infoOf(found, size);
    return foundEntry({ stream, length, contentRange, info }, range, (error) => this.#failure(error, signal));
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
    const etag = await putInParts(
      body,
      signal,
      {
        partBytes: PART_BYTES,
        whole: (bytes) => this.#putWhole(key, bytes, fields, conditions, signal),
        inParts: (first, rest) => this.#uploads.put(key, first, rest, fields, conditions, signal),
      },
      // The entry that a condition is about is gone: it does not hold.
      (error) =>
        condition !== undefined && isMissing(error) ? preconditionFailed() : this.#failure(error, signal, true),
    );
    if (etag !== undefined) return versionOfEtag(etag);
    // Swift's answer to a write that came after a newer one: accepted, and without effect.
    throw new StorageError({ code: 'conflict', message: 'A newer write of this key was there before.' });
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
    const etag = condition && etagOfVersion(condition.ifVersion);
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
      return versionOfEtag(CopyObjectResult?.ETag, 'unknown');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#failure(error, signal, true);
    }
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, { signal }: OperationContext): Promise<void> {
    if (condition !== undefined && !this.#conditions.conditionalDelete)
      throw unsupported(SERVICE, 'conditional deletion');
    const etag = condition && etagOfVersion(condition.ifVersion);
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
        if (!isListedKey(Key)) continue;
        yield {
          key: Key,
          size: Size ?? 0,
          version: ETag === undefined ? undefined : versionOfEtag(ETag),
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
    return this.#backend.check(summary, signal);
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
    return { IfMatch: etagOfVersion(condition.ifVersion) };
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
    return this.#backend.connection;
  }
}
