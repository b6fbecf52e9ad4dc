import { OriginError } from '../contracts/origin.ts';

/** An object in a bucket (a container, a blob), as a source URL names it. */
export interface ObjectSource {
  readonly bucket: string;
  readonly key: string;
  /** Which version of it: S3 version id, GCS generation. */
  readonly version: string | undefined;
}

/**
 * Reads `scheme://bucket/key?version`. As in imgproxy the key is the text itself, neither decoded
 * nor cut at `#`: `s3://b/a%20b.png` names a key with a percent sign in it.
 *
 * @throws OriginError `invalid-source` if there is no bucket or no key.
 */
export function objectSource(source: string): ObjectSource {
  const match = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]+)\/+([^?]+)(?:\?(.*))?$/is.exec(source);
  const [, bucket, key, version] = match ?? [];
  if (bucket === undefined || key === undefined) {
    throw new OriginError('invalid-source', 'The source must be of the form scheme://bucket/key.');
  }
  return { bucket, key, version: version === '' ? undefined : version };
}
