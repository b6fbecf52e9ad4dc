import type { Body, ByteStream } from '../contracts/body.ts';
import type { CacheStorage, GetHit, PutInput } from '../contracts/storage.ts';
import type { Version, VersionCondition } from '../contracts/storage-adapter.ts';

/** An entry that is right for longer, as it was found. */
export interface KnownEntry {
  readonly version: Version;
  /** All of its body, if that is at hand. */
  readonly bytes: Uint8Array | undefined;
}

/** What is put in place of an entry; `discard` is called where it is not, or not to its end. */
export interface PutAgain {
  readonly body: PutInput;
  readonly condition: VersionCondition | undefined;
  discard(): void;
}

/**
 * What gives an entry other metadata where the storage has no guarded `setMetadata`: the whole entry is
 * put, so that its body and metadata are never of two. `undefined` if another entry took its place: that
 * one stays.
 *
 * A storage with conditional puts looks once more while it writes. Without them the entry is looked up
 * once more before: a put of somebody else between that and ours is then undone, until the entry is
 * asked about the next time. Where versions don't cover metadata (plain S3 tags), another's metadata of
 * the same bytes counts as ours.
 *
 * @throws StorageError
 */
export async function putAgain(
  storage: CacheStorage,
  key: string,
  { version, bytes }: KnownEntry,
  lookupDeadlineMs: number,
): Promise<PutAgain | undefined> {
  const limits = { deadlineMs: lookupDeadlineMs };
  const condition = storage.capabilities.conditionalReplace ? { ifVersion: version } : undefined;
  if (bytes !== undefined) {
    const isStillThere = condition !== undefined || (await storage.stat(key, limits))?.version === version;
    return isStillThere ? { body: bytes, condition, discard: () => undefined } : undefined;
  }
  const found = await storage.get(key, limits);
  if (found?.kind !== 'entry') return undefined;
  if (found.version === version) return ofBody(found, condition);
  giveUp(found.body);
  return undefined;
}

function ofBody({ body }: GetHit, condition: VersionCondition | undefined): PutAgain {
  // Begun by the put alone, so that a body that is not put after all can still be discarded.
  const stream: ByteStream = { [Symbol.asyncIterator]: () => body.stream()[Symbol.asyncIterator]() };
  return { body: body.buffered ?? stream, condition, discard: () => giveUp(body) };
}

function giveUp(body: Body): void {
  body.discard().catch(() => undefined);
}
