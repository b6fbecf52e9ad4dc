/**
 * Which buckets an origin may read: names as they are, without wildcards. An empty `allowed` allows
 * every bucket; a bucket that is in both lists is denied.
 */
export function bucketRules(allowed: readonly string[], denied: readonly string[]): (bucket: string) => boolean {
  const may = new Set(allowed);
  const mayNot = new Set(denied);
  return (bucket) => !mayNot.has(bucket) && (may.size === 0 || may.has(bucket));
}
