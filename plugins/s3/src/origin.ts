import type { Readable } from 'node:stream';
import type { GetObjectCommandInput, GetObjectCommandOutput } from '@aws-sdk/client-s3';
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
  readable,
} from '@tintype/core';
import { S3Connection } from './client.ts';
import { hasStatus, isForbidden, isMissing, toStorageError } from './errors.ts';
import { checkS3Options, type S3OriginOptions } from './options.ts';

/** Objects in buckets as sources: `s3://bucket/key`, `s3://bucket/key?version`. */
export class S3Origin extends ObjectOrigin<S3Connection> {
  /** @throws SettingsError if the options do not go together. */
  constructor(options: S3OriginOptions, { downloadTimeout }: OriginScope) {
    checkS3Options(options, 'TINTYPE_S3_');
    const requestTimeout = boundedTimeout(options.requestTimeout, downloadTimeout);
    super(serviceOf({ ...options, requestTimeout }), options);
  }
}

function serviceOf(options: S3OriginOptions): ObjectService<S3Connection> {
  return {
    scheme: 's3',
    noun: 'bucket',
    where: options.endpoint === undefined ? '' : ` at ${options.endpoint}`,
    connect: () => S3Connection.open(options),
    get,
    async probe(connection, Bucket, abortSignal) {
      const command = new connection.sdk.GetObjectCommand({ Bucket, Key: '~tintype-probe', Range: 'bytes=0-0' });
      const { Body } = await connection.run(Bucket, (client) => client.send(command, { abortSignal }));
      readable(Body as Readable | undefined).destroy();
    },
    // What is forbidden may be just the listing.
    isHarmless: (error) => isMissing(error) || isForbidden(error),
    hasStatus,
    isMissing: (error) => isMissing(error) || isNoVersion(error),
    stateIn: notModifiedFields,
    failure: toStorageError,
  };
}

async function get(
  connection: S3Connection,
  { bucket, key, version }: ObjectSource,
  conditions: ObjectConditions,
  request: OriginRequest,
): Promise<OriginResponse> {
  const input: GetObjectCommandInput = {
    Bucket: bucket,
    Key: key,
    ...(version !== undefined && { VersionId: version }),
    ...inputOf(conditions),
  };
  const found = await connection.run(bucket, (client) =>
    client.send(new connection.sdk.GetObjectCommand(input), { abortSignal: request.signal }),
  );
  const stream = readable(found.Body as Readable | undefined);
  const release = () => {
    stream.destroy();
  };
  return objectResponse({ ...described(found), stream, release }, request, (error) =>
    asOriginError(toStorageError(error, { bucket, write: false, signal: request.signal })),
  );
}

function inputOf({ ifNoneMatch, ifModifiedSince, range, ifMatch, ifUnmodifiedSince }: ObjectConditions) {
  return {
    ...(ifNoneMatch !== undefined && { IfNoneMatch: ifNoneMatch }),
    ...(ifModifiedSince !== undefined && { IfModifiedSince: ifModifiedSince }),
    ...(range !== undefined && { Range: range }),
    ...(ifMatch !== undefined && { IfMatch: ifMatch }),
    ...(ifUnmodifiedSince !== undefined && { IfUnmodifiedSince: ifUnmodifiedSince }),
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

/** A version id that no object has is refused as malformed. */
function isNoVersion(error: unknown): boolean {
  const { name } = error as { readonly name?: unknown };
  return name === 'InvalidArgument' && /version/i.test(String(error));
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
