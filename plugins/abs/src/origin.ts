import type { BlobDownloadResponseParsed, ModifiedAccessConditions } from '@azure/storage-blob';
import {
  asOriginError,
  boundedTimeout,
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
  ofWhole,
} from '@tintype/core';
import { isBucketName } from './bucket-name.ts';
import { AbsConnection, bodyOf } from './client.ts';
import { answeredField, hasStatus, isMissing, toStorageError } from './errors.ts';
import { type AbsOriginOptions, checkAbsOptions } from './options.ts';

/** Blobs in containers as sources: `abs://container/key`, `abs://container/key?version`. */
export class AbsOrigin extends ObjectOrigin<AbsConnection> {
  /** @throws SettingsError if the options do not go together. */
  constructor(options: AbsOriginOptions, { downloadTimeout }: OriginScope) {
    checkAbsOptions(options, 'TINTYPE_ABS_');
    const requestTimeout = boundedTimeout(options.requestTimeout, downloadTimeout);
    super(serviceOf({ ...options, requestTimeout }), options);
  }
}

function serviceOf(options: AbsOriginOptions): ObjectService<AbsConnection> {
  const { endpoint, name } = options;
  const account = endpoint ?? (name === undefined ? undefined : `account ${name}`);
  return {
    scheme: 'abs',
    noun: 'container',
    where: account === undefined ? '' : ` at ${account}`,
    isBucketName,
    connect: () => AbsConnection.open(options),
    get,
    probe: (connection, bucket, signal) => connection.reach(bucket, signal),
    isHarmless: () => false,
    hasStatus,
    // A version that cannot be is refused as malformed.
    isMissing: (error, { version }) => isMissing(error) || (version !== undefined && hasStatus(error, 400)),
    stateIn: notModifiedFields,
    failure: toStorageError,
  };
}

async function get(
  connection: AbsConnection,
  { bucket, key, version }: ObjectSource,
  asked: ObjectConditions,
  request: OriginRequest,
): Promise<OriginResponse> {
  const latest = connection.container(bucket).getBlobClient(key);
  const client = version === undefined ? latest : latest.withVersion(version);
  const part = partOf(asked.range);
  const found = await client.download(part?.first, part?.count, {
    conditions: accessConditions(part === undefined ? ofWhole(asked) : asked),
    abortSignal: request.signal,
    maxRetryRequests: 0,
  });
  const stream = bodyOf(found);
  const release = () => {
    stream.destroy();
  };
  return objectResponse({ ...described(found), stream, release }, request, (error) =>
    asOriginError(toStorageError(error, { bucket, write: false, signal: request.signal })),
  );
}

interface Part {
  readonly first: number;
  readonly count: number | undefined;
}

/** The part that is asked for in a way that Azure knows too; of all others the whole is sent. RFC 9110 §14.2. */
function partOf(range: string | undefined): Part | undefined {
  const match = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range ?? '');
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === '' ? undefined : Number(match[2]);
  if (last !== undefined && last < first) return undefined;
  return { first, count: last === undefined ? undefined : last - first + 1 };
}

function accessConditions(conditions: ObjectConditions): ModifiedAccessConditions {
  const { ifNoneMatch, ifModifiedSince, ifMatch, ifUnmodifiedSince } = conditions;
  return {
    ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    ...(ifModifiedSince !== undefined && { ifModifiedSince }),
    ...(ifMatch !== undefined && { ifMatch }),
    ...(ifUnmodifiedSince !== undefined && { ifUnmodifiedSince }),
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

function notModifiedFields(error: unknown): HttpFields {
  const modified = answeredField(error, 'last-modified');
  return objectState({
    etag: answeredField(error, 'etag'),
    cacheControl: answeredField(error, 'cache-control'),
    lastModified: modified === undefined ? undefined : new Date(modified),
  });
}
