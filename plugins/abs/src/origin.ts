import { Readable } from 'node:stream';
import type { BlobDownloadResponseParsed, ModifiedAccessConditions } from '@azure/storage-blob';
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
import { AbsConnection } from './client.ts';
import { answeredField, hasStatus, isMissing, toStorageError } from './errors.ts';
import { type AbsOriginOptions, checkAbsOptions } from './options.ts';

/** Blobs in containers as sources: `abs://container/key`, `abs://container/key?version`. */
export class AbsOrigin implements Origin {
  readonly schemes: readonly string[] = ['abs'];
  readonly #options: AbsOriginOptions;
  readonly #isAllowed: (container: string) => boolean;
  #connection: AbsConnection | undefined;

  /** @throws SettingsError if the options do not go together. */
  constructor(options: AbsOriginOptions, scope: OriginScope) {
    checkAbsOptions(options, 'TINTYPE_ABS_');
    // Silence is bounded by both: the time for a download is what the whole proxy promises.
    const requestTimeout = Math.min(options.requestTimeout || Number.POSITIVE_INFINITY, scope.downloadTimeout);
    this.#options = { ...options, requestTimeout: Number.isFinite(requestTimeout) ? requestTimeout : 0 };
    this.#isAllowed = bucketRules(options.allowedBuckets, options.deniedBuckets);
  }

  async open(): Promise<void> {
    this.#connection ??= await AbsConnection.open(this.#options);
  }

  async close(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
  }

  async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
    request.signal.throwIfAborted();
    const wanted = objectSource(source, isContainerName);
    if (!this.#isAllowed(wanted.bucket)) {
      throw new OriginError('refused', 'The container of this source is not among the allowed ones.');
    }
    const conditions = conditionsOf(request.headers);
    const part = partOf(request.headers);
    try {
      return await this.#respond(wanted, conditions, part, request);
    } catch (error) {
      // If-Range: the blob is another one by now, so the whole of it.
      if (part !== undefined && request.headers['if-range'] !== undefined && hasStatus(error, 412)) {
        const { ifMatch: _match, ifUnmodifiedSince: _since, ...rest } = conditions;
        const again = this.#respond(wanted, rest, undefined, request);
        return await again.catch((reason: unknown) => failed(reason, wanted, request));
      }
      return failed(error, wanted, request);
    }
  }

  async check(): Promise<CheckResult> {
    const { endpoint, name, allowedBuckets, deniedBuckets } = this.#options;
    const account = endpoint ?? (name === undefined ? undefined : `account ${name}`);
    const containers = allowedBuckets.length === 0 ? 'all containers' : `containers ${allowedBuckets.join(', ')}`;
    const except = deniedBuckets.length === 0 ? '' : ` except ${deniedBuckets.join(', ')}`;
    const summary = `abs sources${account === undefined ? '' : ` at ${account}`}, ${containers}${except}`;
    for (const container of allowedBuckets.filter(this.#isAllowed)) {
      const problem = await this.#problemWith(container);
      if (problem !== undefined) return { ok: false, summary, problem };
    }
    return { ok: true, summary };
  }

  async #respond(
    { bucket, key, version }: ObjectSource,
    conditions: ModifiedAccessConditions,
    part: Part | undefined,
    request: OriginRequest,
  ): Promise<OriginResponse> {
    const latest = this.#open.container(bucket).getBlobClient(key);
    const client = version === undefined ? latest : latest.withVersion(version);
    const found = await client.download(part?.first, part?.count, {
      conditions,
      abortSignal: request.signal,
      maxRetryRequests: 0,
    });
    const { readableStreamBody } = found;
    const stream = readable(readableStreamBody instanceof Readable ? readableStreamBody : undefined);
    const describe = { container: bucket, write: false, signal: request.signal };
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

  /** Why nothing can be read from a container, if so. */
  async #problemWith(container: string): Promise<string | undefined> {
    try {
      const { readableStreamBody } = await this.#open
        .container(container)
        .getBlobClient('~tintype-probe')
        .download(0, 1, { abortSignal: AbortSignal.timeout(10_000), maxRetryRequests: 0 });
      if (readableStreamBody instanceof Readable) readableStreamBody.destroy();
      return undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      const failure = toStorageError(error, { container, write: false });
      return failure instanceof Error ? failure.message : String(failure);
    }
  }

  get #open(): AbsConnection {
    if (this.#connection !== undefined) return this.#connection;
    throw new OriginError('unavailable', 'The Azure origin is not open.');
  }
}

/** 3 to 63 of a-z, 0-9 and single dashes, or one of the containers that Azure makes by itself. */
function isContainerName(name: string): boolean {
  return /^(?:\$(?:root|web|logs)|[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9])$/.test(name);
}

interface Part {
  readonly first: number;
  readonly count: number | undefined;
}

/** The part that is asked for in a way that Azure knows too; of all others the whole is sent. RFC 9110 §14.2. */
function partOf({ range, 'if-range': ifRange }: HttpFields): Part | undefined {
  const match = !canHold(ifRange) ? null : /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range ?? '');
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === '' ? undefined : Number(match[2]);
  if (last !== undefined && last < first) return undefined;
  return { first, count: last === undefined ? undefined : last - first + 1 };
}

/** Conditional fields in Azure's terms. Azure has no If-Range: a condition stands for it. */
function conditionsOf(headers: HttpFields): ModifiedAccessConditions {
  const date = (field: string | undefined) => {
    const at = Date.parse(field ?? '');
    return Number.isNaN(at) ? undefined : new Date(at);
  };
  const since = date(headers['if-modified-since']);
  const { 'if-none-match': ifNoneMatch, 'if-range': ifRange } = headers;
  const ranged = partOf(headers) !== undefined && ifRange !== undefined;
  const unmodified = ranged && !ifRange.startsWith('"') ? date(ifRange) : undefined;
  return {
    ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    // RFC 9110 §13.1.3: without effect beside If-None-Match.
    ...(since !== undefined && ifNoneMatch === undefined && { ifModifiedSince: since }),
    ...(ranged && ifRange.startsWith('"') && { ifMatch: ifRange }),
    ...(unmodified !== undefined && { ifUnmodifiedSince: unmodified }),
  };
}

function described(found: BlobDownloadResponseParsed) {
  return {
    contentLength: found.contentLength,
    contentType: found.contentType,
    contentEncoding: found.contentEncoding,
    cacheControl: found.cacheControl,
    etag: found.etag,
    lastModified: found.lastModified,
    contentRange: found.contentRange,
  };
}

/** Answers that come as errors from the SDK, and errors. */
function failed(error: unknown, { bucket, version }: ObjectSource, { signal }: OriginRequest): OriginResponse {
  if (OriginError.is(error)) throw error;
  if (signal.aborted) throw signal.reason;
  if (hasStatus(error, 304)) return emptyResponse(304, notModifiedFields(error));
  if (hasStatus(error, 416)) return emptyResponse(416);
  // A version that cannot be is refused as malformed.
  if (isMissing(error) || (version !== undefined && hasStatus(error, 400))) return emptyResponse(404);
  throw asOriginError(toStorageError(error, { container: bucket, write: false, signal }));
}

function notModifiedFields(error: unknown): HttpFields {
  const modified = answeredField(error, 'last-modified');
  return objectState({
    etag: answeredField(error, 'etag'),
    cacheControl: answeredField(error, 'cache-control'),
    lastModified: modified === undefined ? undefined : new Date(modified),
  });
}
