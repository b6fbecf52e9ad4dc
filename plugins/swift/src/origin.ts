import {
  asOriginError,
  boundedTimeout,
  conditionFields,
  emptyResponse,
  type HttpFields,
  type ObjectConditions,
  ObjectOrigin,
  type ObjectService,
  type ObjectSource,
  type OriginRequest,
  type OriginResponse,
  type OriginScope,
  objectResponse,
  objectState,
} from '@tintype/core';
import { isBucketName } from './bucket-name.ts';
import { SwiftConnection } from './client.ts';
import { hasStatus, isMissing, toStorageError } from './errors.ts';
import { type Credentials, credentialsOf, type SwiftOriginOptions } from './options.ts';

/** Objects in containers as sources: `swift://container/key`, `swift://container/key?version`. */
export class SwiftOrigin extends ObjectOrigin<SwiftConnection> {
  /** @throws SettingsError if the options do not go together. */
  constructor(options: SwiftOriginOptions, { downloadTimeout }: OriginScope) {
    const credentials = credentialsOf(options, 'TINTYPE_SWIFT_');
    const timeoutSeconds = boundedTimeout(options.timeoutSeconds, downloadTimeout);
    const connectTimeoutSeconds = boundedTimeout(options.connectTimeoutSeconds, downloadTimeout);
    super(serviceOf(credentials, { ...options, timeoutSeconds, connectTimeoutSeconds }), options);
  }
}

function serviceOf(credentials: Credentials, options: SwiftOriginOptions): ObjectService<SwiftConnection> {
  return {
    scheme: 'swift',
    noun: 'container',
    where: `, login at ${credentials.authUrl}`,
    isBucketName,
    connect: () => SwiftConnection.open(credentials, options),
    get,
    probe: (connection, bucket, signal) => connection.reach(bucket, signal),
    // What is forbidden may be just the listing.
    isHarmless: (error) => hasStatus(error, 403),
    hasStatus,
    isMissing,
    failure: toStorageError,
  };
}

async function get(
  connection: SwiftConnection,
  { bucket, key, version }: ObjectSource,
  conditions: ObjectConditions,
  request: OriginRequest,
): Promise<OriginResponse> {
  const { status, headers, stream } = await connection.send({
    method: 'GET',
    bucket,
    key,
    query: version === undefined ? undefined : { 'version-id': version },
    headers: conditionFields(conditions),
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
    asOriginError(toStorageError(error, { bucket, write: false, signal: request.signal })),
  );
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
    lastModified: modified === undefined ? undefined : new Date(modified),
  };
}
