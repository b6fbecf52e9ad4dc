import type { Body, ByteRange, EntryInfo, GetOutcome, OperationContext, StorageKey } from '@tintype/core';
import { ReferenceStorage } from '../reference-storage.ts';

/** A body with some of its methods replaced. */
export function altered(body: Body, changes: Partial<Body>): Body {
  return {
    buffered: body.buffered,
    bytes: () => body.bytes(),
    stream: () => body.stream(),
    discard: () => body.discard(),
    ...changes,
  };
}

/** Replaces the body of a hit. */
export abstract class OtherBodies extends ReferenceStorage {
  override async get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Promise<GetOutcome> {
    const outcome = await super.get(key, range, context);
    if (outcome?.kind !== 'entry') return outcome;
    return { ...outcome, body: this.other(outcome.body, outcome, context) };
  }

  abstract other(body: Body, info: EntryInfo, context: OperationContext): Body;
}
