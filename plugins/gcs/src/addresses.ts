import type { Version, VersionCondition } from '@tintype/core';
import { preconditionFailed } from '@tintype/core';

/** What a request asks to hold for the object. https://cloud.google.com/storage/docs/request-preconditions */
export type Preconditions = Readonly<Record<string, string>>;

/** An object under the XML API: its answers carry bytes, metadata and both generations at once. */
export function xmlAddress(endpoint: string, bucket: string, key: string, query: Preconditions = {}): string {
  // `.` and `..` between slashes would be resolved on the way, in a bucket that nobody has allowed.
  const slash = key.split('/').some((segment) => segment === '.' || segment === '..') ? '%2F' : '/';
  return withQuery(`${endpoint}/${bucket}/${key.split('/').map(encoded).join(slash)}`, query);
}

/** An object under the JSON API: its metadata. */
export function jsonAddress(endpoint: string, bucket: string, key: string, query: Preconditions = {}): string {
  return withQuery(`${endpoint}/storage/v1/b/${bucket}/o/${encoded(key)}`, query);
}

/** The listing of a bucket under the JSON API. */
export function listAddress(endpoint: string, bucket: string, query: Preconditions): string {
  return withQuery(`${endpoint}/storage/v1/b/${bucket}/o`, query);
}

/** Where objects are uploaded under the JSON API. */
export function uploadAddress(endpoint: string, bucket: string, query: Preconditions): string {
  return withQuery(`${endpoint}/upload/storage/v1/b/${bucket}/o`, query);
}

/** The version of an object: which bytes, and which metadata of them. */
export function versionText(generation: string, metageneration: string): Version {
  return `${generation}/${metageneration}` as Version;
}

/** @throws StorageError `precondition-failed` for what no object of GCS can have as its version. */
export function ifVersion({ ifVersion: version }: VersionCondition): Preconditions {
  const match = /^(\d{1,20})\/(\d{1,20})$/.exec(version);
  const [, generation, metageneration] = match ?? [];
  if (generation === undefined || metageneration === undefined) throw preconditionFailed();
  return { ifGenerationMatch: generation, ifMetagenerationMatch: metageneration };
}

/** There is no object of this name. */
export const IF_ABSENT: Preconditions = { ifGenerationMatch: '0' };

function withQuery(address: string, query: Preconditions): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? address : `${address}?${text}`;
}

/** As GCS asks for it in paths: everything but the unreserved characters. RFC 3986 §2.3. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
