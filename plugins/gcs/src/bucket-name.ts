/** Names of buckets, 3 to 63 characters or up to 222 with dots: nothing that could leave the path. */
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/;

export function isBucketName(name: string): boolean {
  return BUCKET.test(name) && !name.includes('..');
}
