import type { Readable } from 'node:stream';
import type { GetObjectCommandInput, GetObjectCommandOutput } from '@aws-sdk/client-s3';
import {
  asOriginError,
  bucketRules,
  type CheckResult,
  canHold,
  emptyResponse,
  type HttpFields,
  type ObjectSource,
  type Origin,
  OriginError,
  type OriginRequest,
  type OriginResponse,
  type OriginScope,
  objectResponse,
  objectSource,
  objectState,
  readable,
} from '@tintype/core';
import { S3Connection } from './client.ts';
import { hasStatus, isForbidden, isMissing, toStorageError } from './errors.ts';
import { checkS3Options, type S3OriginOptions } from './options.ts';

/** Objects in buckets as sources: `s3://bucket/key`, `s3://bucket/key?version`. */
export class S3Origin implements Origin {
  readonly schemes: readonly string[] = ['s3'];
  readonly #options: S3OriginOptions;
  readonly #isAllowed: (bucket: string) => boolean;
  #connection: S3Connection | undefined;

  /** @throws SettingsError if the options do not go together. */
  constructor(options: S3OriginOptions, scope: OriginScope) {
    checkS3Options(options, 'TINTYPE_S3_');
    // Silence is bounded by both: the time for a download is what the whole proxy promises.
    const requestTimeout = Math.min(options.requestTimeout || Number.POSITIVE_INFINITY, scope.downloadTimeout);
    this.#options = { ...options, requestTimeout: Number.isFinite(requestTimeout) ? requestTimeout : 0 };
    this.#isAllowed = bucketRules(options.allowedBuckets, options.deniedBuckets);
  }

  async open(): Promise<void> {
    this.#connection ??= await S3Connection.open(this.#options);
  }

  async close(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
  }

  async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
    request.signal.throwIfAborted();
    const wanted = objectSource(source);
    if (!this.#isAllowed(wanted.bucket)) {
      throw new OriginError('refused', 'The bucket of this source is not among the allowed ones.');
    }
    const conditions = conditionsOf(request.headers);
    try {
      return await this.#respond(wanted, conditions, request);
    } catch (error) {
      // If-Range: the object is another one by now, so the whole of it.
      const ifRange = conditions.Range !== undefined && request.headers['if-range'] !== undefined;
      if (ifRange && hasStatus(error, 412)) {
        const { Range: _range, IfMatch: _match, IfUnmodifiedSince: _since, ...rest } = conditions;
        return await this.#respond(wanted, rest, request).catch((again: unknown) => failed(again, wanted, request));
      }
      return failed(error, wanted, request);
    }
  }

  async check(): Promise<CheckResult> {
    const { endpoint, allowedBuckets, deniedBuckets } = this.#options;
    const buckets = allowedBuckets.length === 0 ? 'all buckets' : `buckets ${allowedBuckets.join(', ')}`;
    const except = deniedBuckets.length === 0 ? '' : ` except ${deniedBuckets.join(', ')}`;
    const summary = `s3 sources${endpoint === undefined ? '' : ` at ${endpoint}`}, ${buckets}${except}`;
    for (const bucket of allowedBuckets.filter(this.#isAllowed)) {
      const problem = await this.#problemWith(bucket);
      if (problem !== undefined) return { ok: false, summary, problem };
    }
    return { ok: true, summary };
  }

  async #respond(
    { bucket: Bucket, key: Key, version }: ObjectSource,
    conditions: Conditions,
    request: OriginRequest,
  ): Promise<OriginResponse> {
    const { sdk } = this.#open;
    const input = { Bucket, Key, ...(version !== undefined && { VersionId: version }), ...conditions };
    const found = await this.#open.run(Bucket, (client) =>
      client.send(new sdk.GetObjectCommand(input), { abortSignal: request.signal }),
    );
    const stream = readable(found.Body as Readable | undefined);
    const describe = { bucket: Bucket, write: false, signal: request.signal };
    return objectResponse(
      {
        ...described(found),
        stream,
        release: () => {
          stream.destroy();
        },
      },
      request,
      (error) => asOriginError(toStorageError(error, describe)),
    );
  }

  /** Why nothing can be read from a bucket, if so. What is forbidden may be just the listing. */
  async #problemWith(Bucket: string): Promise<string | undefined> {
    const { sdk } = this.#open;
    try {
      const { Body } = await this.#open.run(Bucket, (client) =>
        client.send(new sdk.GetObjectCommand({ Bucket, Key: '~tintype-probe', Range: 'bytes=0-0' }), {
          abortSignal: AbortSignal.timeout(10_000),
        }),
      );
      readable(Body as Readable | undefined).destroy();
      return undefined;
    } catch (error) {
      if (isMissing(error) || isForbidden(error)) return undefined;
      const failure = toStorageError(error, { bucket: Bucket, write: false });
      return failure instanceof Error ? failure.message : String(failure);
    }
  }

  get #open(): S3Connection {
    if (this.#connection !== undefined) return this.#connection;
    throw new OriginError('unavailable', 'The S3 origin is not open.');
  }
}

type Conditions = Pick<
  GetObjectCommandInput,
  'IfNoneMatch' | 'IfModifiedSince' | 'Range' | 'IfMatch' | 'IfUnmodifiedSince'
>;

/** Conditional and range fields in S3's terms. S3 has no If-Range: a condition stands for it. */
function conditionsOf(headers: HttpFields): Conditions {
  const date = (field: string | undefined) => {
    const at = Date.parse(field ?? '');
    return Number.isNaN(at) ? undefined : new Date(at);
  };
  const since = date(headers['if-modified-since']);
  const { range: Range, 'if-none-match': IfNoneMatch, 'if-range': ifRange } = headers;
  const ranged = Range !== undefined && canHold(ifRange);
  const unmodified = ranged && ifRange !== undefined && !ifRange.startsWith('"') ? date(ifRange) : undefined;
  return {
    ...(IfNoneMatch !== undefined && { IfNoneMatch }),
    // RFC 9110 §13.1.3: without effect beside If-None-Match.
    ...(since !== undefined && IfNoneMatch === undefined && { IfModifiedSince: since }),
    ...(ranged && { Range }),
    ...(ranged && ifRange?.startsWith('"') && { IfMatch: ifRange }),
    ...(unmodified !== undefined && { IfUnmodifiedSince: unmodified }),
  };
}

function described(found: GetObjectCommandOutput) {
  return {
    contentLength: found.ContentLength,
    contentType: found.ContentType,
    contentEncoding: found.ContentEncoding,
    cacheControl: found.CacheControl,
    expires: found.ExpiresString,
    etag: found.ETag,
    lastModified: found.LastModified,
    contentRange: found.ContentRange,
  };
}

/** Answers that come as errors from the SDK, and errors. */
function failed(error: unknown, { bucket }: ObjectSource, { signal }: OriginRequest): OriginResponse {
  if (OriginError.is(error)) throw error;
  if (signal.aborted) throw signal.reason;
  if (hasStatus(error, 304)) return emptyResponse(304, notModifiedFields(error));
  if (hasStatus(error, 416)) return emptyResponse(416);
  if (isMissing(error) || isNoVersion(error)) return emptyResponse(404);
  throw asOriginError(toStorageError(error, { bucket, write: false, signal }));
}

/** A version id that no object has is refused as malformed. */
function isNoVersion(error: unknown): boolean {
  const { name } = error as { readonly name?: unknown };
  return name === 'NoSuchVersion' || (name === 'InvalidArgument' && /version/i.test(String(error)));
}

function notModifiedFields(error: unknown): HttpFields {
  const headers = (error as { $response?: { headers?: HttpFields } }).$response?.headers ?? {};
  const modified = headers['last-modified'];
  return objectState({
    etag: headers.etag,
    cacheControl: headers['cache-control'],
    lastModified: modified === undefined ? undefined : new Date(modified),
  });
}
