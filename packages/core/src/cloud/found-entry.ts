import type { Readable } from 'node:stream';
import { BufferedBody, collect, StreamedBody } from '../bodies.ts';
import type { ByteRange, EntryInfo, GetOutcome } from '../contracts/storage-adapter.ts';
import { ofBody, whole } from './answer-body.ts';
import { partOf } from './range-fields.ts';

/** Bodies up to this size are read with the answer: cheaper than a stream, and retried if they break. */
const EAGER_BYTES = 64 * 1024;

/** An entry as a service has answered it: what is known of it, and its body, not yet read. */
export interface FoundEntry {
  readonly stream: Readable;
  /** Bytes that the stream delivers: of the part, if only a part was asked for. */
  readonly length: number;
  /** The field of the answer. RFC 9110 §14.4. */
  readonly contentRange: string | undefined;
  /** @param size bytes of the whole. */
  info(size: number): EntryInfo;
}

/**
 * What a storage hands out for it. Whatever fails, the stream is destroyed.
 *
 * @param failure makes an error of what the connection says while the body comes.
 */
export function foundEntry(
  { stream, length, contentRange, info }: FoundEntry,
  range: ByteRange | undefined,
  failure: (error: unknown) => unknown,
): Promise<Exclude<GetOutcome, undefined>> {
  return ofBody(stream, async () => {
    const part = range && partOf(contentRange, range, length);
    if (part === 'none') {
      stream.destroy();
      return { kind: 'range-not-satisfiable', ...info(length) };
    }
    const known = info(part?.size ?? length);
    const bytes = whole(stream, length, failure);
    const body =
      length <= EAGER_BYTES
        ? new BufferedBody(await collect(bytes))
        : new StreamedBody(
            () => bytes,
            () => {
              stream.destroy();
            },
          );
    return { kind: 'entry', ...known, range: part, body };
  });
}
