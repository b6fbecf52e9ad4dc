import type { StorageScope } from '../contracts/plugin.ts';
import { SettingsError } from '../contracts/settings-error.ts';
import { type StorageKey, whyNotAKey } from '../contracts/storage-key.ts';

/**
 * The bucket of a storage that cannot do without one.
 *
 * @param id of the storage: `s3`.
 * @param isName whether the service can have a bucket of this name.
 * @throws SettingsError if it is not set, or cannot be one.
 */
export function requiredBucket(
  { bucket, bucketVariable: variable }: StorageScope,
  id: string,
  noun: 'bucket' | 'container',
  isName: (name: string) => boolean = () => true,
): string {
  if (bucket !== '' && isName(bucket)) return bucket;
  const message =
    bucket === ''
      ? `${variable} is required for the storage ${id}.`
      : `${variable} is ${JSON.stringify(bucket)}, which cannot be the name of a ${noun}.`;
  throw new SettingsError([{ variable, message }]);
}

/**
 * Whether a name in a listing is an entry's: what other tools have put into the bucket is not ours to
 * list. (The operator's prefix may have capitals, which no key has.)
 */
export function isListedKey(name: string | undefined): name is StorageKey {
  return name !== undefined && whyNotAKey(name.toLowerCase()) === undefined;
}
