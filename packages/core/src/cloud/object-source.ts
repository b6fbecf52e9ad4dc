import { OriginError } from '../contracts/origin.ts';

/** An object in a bucket (a container, a blob), as a source URL names it. */
export interface ObjectSource {
  readonly bucket: string;
  readonly key: string;
  /** Which version of it: S3 version id, GCS generation. */
  readonly version: string | undefined;
}

/** Old buckets of S3, and those of other vendors, have capitals and underscores too. No ARN is a name. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;

/** Whether a text can be the name of a bucket of some service: nothing that could leave its place in a path. */
export function isBucketName(name: string): boolean {
  return BUCKET.test(name) && !name.includes('..');
}

/**
 * Reads `scheme://bucket/key?version`. As in imgproxy the key is the text itself, neither decoded
 * nor cut at `#`: `s3://b/a%20b.png` names a key with a percent sign in it.
 *
 * Segments `.` and `..` are refused: clients and servers resolve them (RFC 3986 §5.2.4), and they
 * would lead out of the bucket, past the rules about buckets.
 *
 * @param isBucket whether the service can have a bucket of this name.
 * @throws OriginError `invalid-source` if there is no bucket or no key, or no service could have them.
 */
export function objectSource(source: string, isBucket: (name: string) => boolean = isBucketName): ObjectSource {
  const match = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]+)\/+([^?]+)(?:\?(.*))?$/is.exec(source);
  const [, bucket, key, version] = match ?? [];
  if (bucket === undefined || key === undefined) {
    throw new OriginError('invalid-source', 'The source must be of the form scheme://bucket/key.');
  }
  if (hasDots(bucket) || !isBucket(bucket)) {
    throw new OriginError('invalid-source', 'What the source names cannot be a bucket.');
  }
  if (hasDots(key)) {
    throw new OriginError('invalid-source', 'The source has a segment of dots, which no object can be asked for by.');
  }
  return { bucket, key, version: version === '' ? undefined : version };
}

/** A backslash is a slash to whatever parses URLs as browsers do. */
function hasDots(path: string): boolean {
  return path.split(/[/\\]/).some((segment) => segment === '.' || segment === '..');
}
