import { join } from 'node:path';
import { SettingsError, type StorageScope } from '@tintype/core';

/**
 * The folder below `root` that a bucket's name means.
 *
 * @throws SettingsError if it isn't the name of one folder: it must not lead out of the root, nor
 * into what the storage of another bucket keeps.
 */
export function bucketFolder(root: string, scope: StorageScope): string {
  if (scope.bucket === '') return root;
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(scope.bucket)) return join(root, scope.bucket);
  const message = `${scope.bucketVariable} is ${JSON.stringify(scope.bucket)}; with a file system it must be the name of a folder: letters, digits, ".", "_", "-".`;
  throw new SettingsError([{ variable: scope.bucketVariable, message }]);
}
