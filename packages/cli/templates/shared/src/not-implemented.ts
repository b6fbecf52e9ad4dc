/**
 * Stands in a method until you write it; `npm test` lists where it still does. Delete this file and
 * `test/next-steps.ts` when that list is empty.
 */
export function notImplemented(method: string, promise: string): never {
  throw new Error(`${method} is not implemented yet: ${promise}`);
}
