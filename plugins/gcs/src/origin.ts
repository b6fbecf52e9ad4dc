import {
  asOriginError,
  boundedTimeout,
  conditionFields,
  emptyResponse,
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
import { xmlAddress } from './addresses.ts';
import { isBucketName } from './bucket-name.ts';
import { type GcsAnswer, GcsConnection } from './client.ts';
import { hasStatus, isForbidden, isMissing, toStorageError } from './errors.ts';
import { checkGcsOptions, type GcsOriginOptions } from './options.ts';

/** Objects in buckets as sources: `gs://bucket/key`, `gs://bucket/key?generation`. */
export class GcsOrigin extends ObjectOrigin<GcsConnection> {
  /** @throws SettingsError if an option is not what it must be. */
  constructor(options: GcsOriginOptions, { downloadTimeout }: OriginScope) {
    checkGcsOptions(options, 'TINTYPE_GCS_');
    const requestTimeout = boundedTimeout(options.requestTimeout, downloadTimeout);
    super(serviceOf({ ...options, requestTimeout }), options);
  }
}

function serviceOf(options: GcsOriginOptions): ObjectService<GcsConnection> {
  return {
    scheme: 'gs',
    noun: 'bucket',
    where: options.endpoint === undefined ? '' : ` at ${options.endpoint}`,
    isBucketName,
    connect: () => GcsConnection.open(options),
    get,
    async probe(connection, bucket, signal) {
      const url = xmlAddress(connection.endpoint, bucket, '~tintype-probe');
      const { body } = await connection.send({ method: 'GET', url }, signal);
      body.destroy();
    },
    // What is forbidden may be just the listing.
    isHarmless: (error) => isMissing(error) || isForbidden(error),
    hasStatus,
    isMissing,
    failure: toStorageError,
  };
}

async function get(
  connection: GcsConnection,
  { bucket, key, version }: ObjectSource,
  conditions: ObjectConditions,
  request: OriginRequest,
): Promise<OriginResponse> {
  // GCS has no such generations.
  if (!/^\d{0,20}$/.test(version ?? '')) return emptyResponse(404);
  const query = version === undefined ? {} : { generation: version };
  const found = await connection.send(
    {
      method: 'GET',
      url: xmlAddress(connection.endpoint, bucket, key, query),
      headers: { 'accept-encoding': 'gzip', ...conditionFields(conditions) },
      also: [304],
    },
    request.signal,
  );
  const { body: stream } = found;
  if (found.status === 304) {
    stream.resume();
    return emptyResponse(304, objectState(described(found)));
  }
  const release = () => {
    stream.destroy();
  };
  return objectResponse({ ...described(found), stream, release }, request, (error) =>
    asOriginError(toStorageError(error, { bucket, write: false, signal: request.signal })),
  );
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
