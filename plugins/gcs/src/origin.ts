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
} from '@tintype/core';
import { isBucketName, xmlAddress } from './addresses.ts';
import { type GcsAnswer, GcsConnection } from './client.ts';
import { hasStatus, isForbidden, isMissing, toStorageError } from './errors.ts';
import { checkGcsOptions, type GcsOriginOptions } from './options.ts';

/** Objects in buckets as sources: `gs://bucket/key`, `gs://bucket/key?generation`. */
export class GcsOrigin implements Origin {
  readonly schemes: readonly string[] = ['gs'];
  readonly #options: GcsOriginOptions;
  readonly #isAllowed: (bucket: string) => boolean;
  #connection: GcsConnection | undefined;

  /** @throws SettingsError if an option is not what it must be. */
  constructor(options: GcsOriginOptions, scope: OriginScope) {
    checkGcsOptions(options, 'TINTYPE_GCS_');
    // Silence is bounded by both: the time for a download is what the whole proxy promises.
    const requestTimeout = Math.min(options.requestTimeout || Number.POSITIVE_INFINITY, scope.downloadTimeout);
    this.#options = { ...options, requestTimeout: Number.isFinite(requestTimeout) ? requestTimeout : 0 };
    this.#isAllowed = bucketRules(options.allowedBuckets, options.deniedBuckets);
  }

  async open(): Promise<void> {
    this.#connection ??= await GcsConnection.open(this.#options);
  }

  async close(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
  }

  async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
    request.signal.throwIfAborted();
    const wanted = objectSource(source, isBucketName);
    if (!this.#isAllowed(wanted.bucket)) {
      throw new OriginError('refused', 'The bucket of this source is not among the allowed ones.');
    }
    // GCS has no such generations.
    if (!/^\d{0,20}$/.test(wanted.version ?? '')) return emptyResponse(404);
    const conditions = conditionsOf(request.headers);
    try {
      return await this.#respond(wanted, conditions, request);
    } catch (error) {
      // If-Range: the object is another one by now, so the whole of it.
      const ifRange = conditions.range !== undefined && request.headers['if-range'] !== undefined;
      if (ifRange && hasStatus(error, 412)) {
        const { range: _range, 'if-match': _match, 'if-unmodified-since': _since, ...rest } = conditions;
        return await this.#respond(wanted, rest, request).catch((again: unknown) => failed(again, wanted, request));
      }
      return failed(error, wanted, request);
    }
  }

  async check(): Promise<CheckResult> {
    const { endpoint, allowedBuckets, deniedBuckets } = this.#options;
    const buckets = allowedBuckets.length === 0 ? 'all buckets' : `buckets ${allowedBuckets.join(', ')}`;
    const except = deniedBuckets.length === 0 ? '' : ` except ${deniedBuckets.join(', ')}`;
    const summary = `gs sources${endpoint === undefined ? '' : ` at ${endpoint}`}, ${buckets}${except}`;
    for (const bucket of allowedBuckets.filter(this.#isAllowed)) {
      const problem = await this.#problemWith(bucket);
      if (problem !== undefined) return { ok: false, summary, problem };
    }
    return { ok: true, summary };
  }

  async #respond(
    { bucket, key, version }: ObjectSource,
    conditions: Conditions,
    request: OriginRequest,
  ): Promise<OriginResponse> {
    const { endpoint } = this.#open;
    const query = version === undefined ? {} : { generation: version };
    const found = await this.#open.send(
      {
        method: 'GET',
        url: xmlAddress(endpoint, bucket, key, query),
        headers: { 'accept-encoding': 'gzip', ...conditions },
        also: [304],
      },
      request.signal,
    );
    const { body: stream } = found;
    if (found.status === 304) {
      stream.resume();
      return emptyResponse(304, objectState(described(found)));
    }
    const describe = { bucket, write: false, signal: request.signal };
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
  async #problemWith(bucket: string): Promise<string | undefined> {
    if (!isBucketName(bucket)) return `${JSON.stringify(bucket)} cannot be the name of a bucket.`;
    try {
      const { endpoint } = this.#open;
      const url = xmlAddress(endpoint, bucket, '~tintype-probe');
      const { body } = await this.#open.send({ method: 'GET', url }, AbortSignal.timeout(10_000));
      body.destroy();
      return undefined;
    } catch (error) {
      if (isMissing(error) || isForbidden(error)) return undefined;
      const failure = toStorageError(error, { bucket, write: false });
      return failure instanceof Error ? failure.message : String(failure);
    }
  }

  get #open(): GcsConnection {
    if (this.#connection !== undefined) return this.#connection;
    throw new OriginError('unavailable', 'The GCS origin is not open.');
  }
}

type ConditionName = 'if-none-match' | 'if-modified-since' | 'range' | 'if-match' | 'if-unmodified-since';
type Conditions = { readonly [name in ConditionName]?: string };

/** Conditional and range fields in GCS's terms. It does not promise If-Range: a condition stands for it. */
function conditionsOf(headers: HttpFields): Conditions {
  const date = (field: string | undefined) => {
    const at = Date.parse(field ?? '');
    return Number.isNaN(at) ? undefined : new Date(at).toUTCString();
  };
  const since = date(headers['if-modified-since']);
  const { range, 'if-none-match': ifNoneMatch, 'if-range': ifRange } = headers;
  const ranged = range !== undefined && canHold(ifRange);
  const unmodified = ranged && ifRange !== undefined && !ifRange.startsWith('"') ? date(ifRange) : undefined;
  return {
    ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
    // RFC 9110 §13.1.3: without effect beside If-None-Match.
    ...(since !== undefined && ifNoneMatch === undefined && { 'if-modified-since': since }),
    ...(ranged && { range }),
    ...(ranged && ifRange?.startsWith('"') && { 'if-match': ifRange }),
    ...(unmodified !== undefined && { 'if-unmodified-since': unmodified }),
  };
}

function described({ headers }: GcsAnswer) {
  const field = (name: string) => headers.get(name) ?? undefined;
  const length = field('content-length');
  const modified = field('last-modified');
  return {
    contentLength: length === undefined ? undefined : Number(length),
    contentType: field('content-type'),
    contentEncoding: field('content-encoding'),
    cacheControl: field('cache-control'),
    expires: field('expires'),
    etag: field('etag'),
    lastModified: modified === undefined ? undefined : new Date(modified),
    contentRange: field('content-range'),
  };
}

/** Answers that are refusals of the request as it was made, and errors. */
function failed(error: unknown, { bucket }: ObjectSource, { signal }: OriginRequest): OriginResponse {
  if (OriginError.is(error)) throw error;
  if (signal.aborted) throw signal.reason;
  if (hasStatus(error, 416)) return emptyResponse(416);
  if (isMissing(error)) return emptyResponse(404);
  throw asOriginError(toStorageError(error, { bucket, write: false, signal }));
}
