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
  StorageError,
} from '@tintype/core';
import { SwiftConnection } from './client.ts';
import { hasStatus, isMissing, toStorageError } from './errors.ts';
import { isContainerName } from './limits.ts';
import { type Credentials, credentialsOf, type SwiftOriginOptions } from './options.ts';

/** Objects in containers as sources: `swift://container/key`, `swift://container/key?version`. */
export class SwiftOrigin implements Origin {
  readonly schemes: readonly string[] = ['swift'];
  readonly #options: SwiftOriginOptions;
  readonly #credentials: Credentials;
  readonly #isAllowed: (container: string) => boolean;
  #connection: SwiftConnection | undefined;

  /** @throws SettingsError if the options do not go together. */
  constructor(options: SwiftOriginOptions, scope: OriginScope) {
    this.#credentials = credentialsOf(options, 'TINTYPE_SWIFT_');
    // Silence is bounded by both: the time for a download is what the whole proxy promises.
    const bounded = (seconds: number) => {
      const least = Math.min(seconds || Number.POSITIVE_INFINITY, scope.downloadTimeout);
      return Number.isFinite(least) ? least : 0;
    };
    const timeoutSeconds = bounded(options.timeoutSeconds);
    this.#options = {
      ...options,
      timeoutSeconds,
      connectTimeoutSeconds: bounded(options.connectTimeoutSeconds),
    };
    this.#isAllowed = bucketRules(options.allowedBuckets, options.deniedBuckets);
  }

  async open(): Promise<void> {
    this.#connection ??= await SwiftConnection.open(this.#credentials, this.#options);
  }

  async close(): Promise<void> {
    await this.#connection?.close();
    this.#connection = undefined;
  }

  async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
    request.signal.throwIfAborted();
    const wanted = objectSource(source, isContainerName);
    if (!this.#isAllowed(wanted.bucket)) {
      throw new OriginError('refused', 'The container of this source is not among the allowed ones.');
    }
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
    const { allowedBuckets, deniedBuckets } = this.#options;
    const containers = allowedBuckets.length === 0 ? 'all containers' : `containers ${allowedBuckets.join(', ')}`;
    const except = deniedBuckets.length === 0 ? '' : ` except ${deniedBuckets.join(', ')}`;
    const summary = `swift sources, login at ${this.#credentials.authUrl}, ${containers}${except}`;
    for (const container of allowedBuckets.filter(this.#isAllowed)) {
      const problem = await this.#problemWith(container);
      if (problem !== undefined) return { ok: false, summary, problem };
    }
    return { ok: true, summary };
  }

  async #respond(
    { bucket: container, key, version }: ObjectSource,
    conditions: HttpFields,
    request: OriginRequest,
  ): Promise<OriginResponse> {
    const { status, headers, stream } = await this.#open.send({
      method: 'GET',
      container,
      key,
      query: version === undefined ? undefined : { 'version-id': version },
      headers: conditions,
      expect: [200, 206, 304],
      signal: request.signal,
    });
    const release = () => {
      stream.destroy();
    };
    // A cluster that keeps no versions ignores which one is asked for.
    if (version !== undefined && headers['x-object-version-id'] !== version) {
      release();
      return emptyResponse(404);
    }
    if (status === 304) {
      release();
      return emptyResponse(304, objectState(stateOf(headers)));
    }
    return objectResponse({ ...described(headers), stream, release }, request, (error) =>
      asOriginError(toStorageError(error, { container, write: false, signal: request.signal })),
    );
  }

  /** Why nothing can be read from a container, if so. What is forbidden may be just the listing. */
  async #problemWith(container: string): Promise<string | undefined> {
    try {
      await this.#open.reach(container, AbortSignal.timeout(10_000));
      return undefined;
    } catch (error) {
      if (hasStatus(error, 403)) return undefined;
      const failure = toStorageError(error, { container, write: false });
      return failure instanceof Error ? failure.message : String(failure);
    }
  }

  get #open(): SwiftConnection {
    if (this.#connection !== undefined) return this.#connection;
    throw new OriginError('unavailable', 'The Swift origin is not open.');
  }
}

/** Conditional and range fields as Swift takes them. It has no If-Range: a condition stands for it. */
function conditionsOf(headers: HttpFields): HttpFields {
  const since = headers['if-modified-since'];
  const { range, 'if-none-match': ifNoneMatch, 'if-range': ifRange } = headers;
  const ranged = range !== undefined && canHold(ifRange);
  const byTag = ifRange?.startsWith('"') ?? false;
  return {
    ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
    // RFC 9110 §13.1.3: without effect beside If-None-Match.
    ...(since !== undefined && ifNoneMatch === undefined && { 'if-modified-since': since }),
    ...(ranged && { range }),
    ...(ranged && byTag && { 'if-match': ifRange }),
    ...(ranged && ifRange !== undefined && !byTag && { 'if-unmodified-since': ifRange }),
  };
}

function described(headers: HttpFields) {
  const length = Number(headers['content-length']);
  return {
    contentLength: Number.isSafeInteger(length) && headers['content-length'] !== undefined ? length : undefined,
    contentType: headers['content-type'],
    contentEncoding: headers['content-encoding'],
    expires: headers.expires,
    contentRange: headers['content-range'],
    ...stateOf(headers),
  };
}

function stateOf(headers: HttpFields) {
  const { etag, 'last-modified': modified } = headers;
  return {
    cacheControl: headers['cache-control'],
    // Swift writes the tags of plain objects without quotes.
    etag: etag === undefined || /^(?:W\/)?"/.test(etag) ? etag : `"${etag}"`,
    lastModified: modified === undefined || Number.isNaN(Date.parse(modified)) ? undefined : new Date(modified),
  };
}

/** Answers that come as refusals, and errors. */
function failed(error: unknown, { bucket: container }: ObjectSource, { signal }: OriginRequest): OriginResponse {
  if (OriginError.is(error)) throw error;
  if (signal.aborted) throw signal.reason;
  if (hasStatus(error, 416)) return emptyResponse(416);
  if (isMissing(error)) return emptyResponse(404);
  const failure = toStorageError(error, { container, write: false, signal });
  throw asOriginError(StorageError.is(failure) ? failure : error);
}
