import { StorageError } from '../contracts/storage-error.ts';

/** The condition of a conditional operation does not hold. */
export function preconditionFailed(): StorageError {
  return new StorageError({ code: 'precondition-failed', message: 'The entry is not what the condition says.' });
}

/**
 * A capability that is not declared.
 *
 * @param service begins the sentence: `This S3 service`.
 */
export function unsupported(service: string, what: string): StorageError {
  return new StorageError({ code: 'unsupported', message: `${service} has no ${what}, or it is switched off.` });
}
