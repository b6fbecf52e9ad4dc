/** Where a client can see what a row says: in what an endpoint answers, or in images, which the cache of results keeps. */
export type Sight = 'endpoint' | 'result';

/** A row of the tables, by the id that stands in the names of its tests. */
export interface TableRow {
  readonly id: string;
  /** What it is about, in a few words. */
  readonly about: string;
  /** Both, unless it says something about one of them only. */
  readonly seen?: readonly Sight[];
}

/**
 * What other caches do, row by row. D, C and A are Cloudflare's Origin Cache Control: directives of a
 * response, conditions, and overrides. IK are the statements about ImageKit's caches. Those about purging
 * (A6, IK13 to IK16) are not among them, nor what has no counterpart here: a library of the service's own
 * (IK10).
 */
export const TABLE_ROWS: readonly TableRow[] = [
  { id: 'D1', about: 'no-store' },
  { id: 'D2', about: 'private' },
  { id: 'D3', about: 'private that names fields' },
  { id: 'D4', about: 'no-cache' },
  { id: 'D5', about: 'no-cache that names fields' },
  { id: 'D6', about: 'max-age=0' },
  { id: 'D7', about: 's-maxage=0' },
  { id: 'D8', about: 'max-age' },
  { id: 'D9', about: 's-maxage' },
  { id: 'D10', about: 'must-revalidate' },
  { id: 'D11', about: 'proxy-revalidate' },
  { id: 'D12', about: 'public' },
  { id: 'D13', about: 'stale-while-revalidate' },
  { id: 'D14', about: 'stale-if-error' },
  { id: 'D15', about: 'no-transform' },
  { id: 'D16', about: 'immutable' },
  { id: 'D17', about: 'Vary' },
  { id: 'D18', about: 'Expires' },
  { id: 'D19', about: 'nothing: lifetimes by status' },
  { id: 'D20', about: 'targeted fields' },
  { id: 'C1', about: 'Authorization of the client' },
  { id: 'C2', about: 'what is said of no-cache' },
  { id: 'C3', about: 'Set-Cookie' },
  { id: 'C4', about: 'private beside a time in browsers' },
  { id: 'C5', about: 'methods other than GET' },
  { id: 'C6', about: 'a client that leaves' },
  { id: 'A3', about: 'lifetimes of the operator' },
  { id: 'A4', about: 'where stale answers are forbidden' },
  { id: 'A5', about: 'the words for what happened' },
  { id: 'IK1', about: 'caches one behind the other' },
  { id: 'IK2', about: 'the greatest lifetime' },
  { id: 'IK3', about: 'origin cache control is a switch' },
  { id: 'IK4', about: 'variants and clients have the lifetime of the source' },
  { id: 'IK5', about: 'a default lifetime' },
  { id: 'IK6', about: 'web origins' },
  { id: 'IK7', about: 'objects in buckets' },
  { id: 'IK8', about: 'Age' },
  { id: 'IK9', about: 'Expires' },
  { id: 'IK11', about: 'copies of originals', seen: ['result'] },
  { id: 'IK12', about: 'a variant lives no longer than its source' },
  { id: 'IK17', about: 'another cache before this one', seen: ['result'] },
  { id: 'IK18', about: 'a list of origins' },
  { id: 'IK19', about: 'client hints', seen: ['result'] },
];
