import type { PutBody } from '../contracts/storage-adapter.ts';
import { type Part, parts } from './parts.ts';

/** How a service takes a body. */
export interface PartedUpload<T> {
  /** Bytes of a part. */
  readonly partBytes: number;
  /** Bodies that lie in memory go whole up to so many bytes; by default those of a part. */
  readonly wholeBytes?: number;
  /** Puts a body in one request. */
  whole(bytes: Uint8Array): Promise<T>;
  /** Puts a body of several parts. Of these only the last of all may be shorter than the others. */
  inParts(first: Part, rest: AsyncIterator<Part, void>): Promise<T>;
}

/**
 * Puts a body: whole if it fits into one part, otherwise part by part, of which one lies in memory.
 *
 * @param failure what an error of the upload means.
 * @throws an error of the caller's own body as it is; the signal's reason.
 */
export async function putInParts<T>(
  body: PutBody,
  signal: AbortSignal,
  upload: PartedUpload<T>,
  failure: (error: unknown) => unknown,
): Promise<T> {
  const { partBytes, wholeBytes = partBytes } = upload;
  const pieces = new WatchedParts(parts(body.stream(), partBytes));
  try {
    signal.throwIfAborted();
    const { bytes } = body;
    if (bytes !== undefined && bytes.length <= wholeBytes) return await upload.whole(bytes);
    const first = await pieces.first();
    return first.last ? await upload.whole(first.bytes) : await upload.inParts(first, pieces);
  } catch (error) {
    throw pieces.failure === undefined ? failure(error) : pieces.failure.error;
  } finally {
    await pieces.return();
  }
}

/** Parts that remember why the caller's own body failed. */
class WatchedParts implements AsyncIterator<Part, void> {
  readonly #parts: AsyncGenerator<Part, void>;
  failure: { readonly error: unknown } | undefined;

  constructor(source: AsyncGenerator<Part, void>) {
    this.#parts = source;
  }

  async next(): Promise<IteratorResult<Part, void>> {
    try {
      return await this.#parts.next();
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  /** The part that there always is. */
  async first(): Promise<Part> {
    const { value } = await this.next();
    if (!value) throw new Error('A body has at least one part.');
    return value;
  }

  async return(): Promise<IteratorResult<Part, void>> {
    return this.#parts.return();
  }
}
