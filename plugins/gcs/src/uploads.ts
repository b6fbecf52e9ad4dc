import { type Backend, LeftOvers, type Part } from '@tintype/core';
import { type Preconditions, uploadAddress } from './addresses.ts';
import { type GcsConnection, jsonOf } from './client.ts';
import { type ObjectResource, VERSION_FIELDS } from './entry-fields.ts';
import { AnswerError, hasStatus, LostUploadError } from './errors.ts';

/** Size of a part, and the size up to which a body is put whole, in bytes. A multiple of 256 KiB, as GCS asks for. */
export const PART_BYTES: number = 8 * 1024 * 1024;

/** Longest time that tidying up may take, in milliseconds. */
const TIDY_MS = 10_000;

/** "Resume incomplete": more may come. */
const INCOMPLETE = 308;

/** What a cancelled upload is answered with: "client closed request". */
const CANCELLED = [499, 404, 410] as const;

/**
 * Resumable uploads that leave nothing behind: whatever fails, the upload is cancelled, and one whose
 * cancelling failed too is tried again later, at the latest when the storage is closed. (One whose
 * beginning was never answered nobody can name: GCS forgets it after a week, and does not charge for it.)
 */
export class GcsUploads {
  readonly #backend: Backend<GcsConnection>;
  readonly #bucket: string;
  /** Addresses of uploads. */
  readonly #leftOvers = new LeftOvers<string>((address) => this.#cancel(address));

  constructor(backend: Backend<GcsConnection>, bucket: string) {
    this.#backend = backend;
    this.#bucket = bucket;
  }

  /** Uploads the parts one after another. @returns what was made. */
  async put(
    name: string,
    first: Part,
    rest: AsyncIterator<Part>,
    fields: ObjectResource,
    condition: Preconditions,
    signal: AbortSignal,
  ): Promise<ObjectResource> {
    // In the background: nobody waits for it, and it never rejects.
    void this.tidy();
    const address = await this.#begin(name, fields, condition, signal);
    try {
      let start = 0;
      for (let part = first; ; ) {
        const made = await this.#putPart(address, part, start, signal);
        if (made !== undefined) return made;
        start += part.bytes.length;
        const next = await rest.next();
        if (next.done) throw new Error('A body has a last part.');
        part = next.value;
      }
    } catch (error) {
      await this.#leftOvers.remove(address);
      throw error;
    }
  }

  /** Tries once more to cancel what is left over. Never rejects. */
  tidy(): Promise<void> {
    return this.#leftOvers.tidy();
  }

  async #begin(name: string, fields: ObjectResource, condition: Preconditions, signal: AbortSignal): Promise<string> {
    const { endpoint } = this.#connection;
    const query = { uploadType: 'resumable', name, fields: VERSION_FIELDS, ...condition };
    const { status, headers, body } = await this.#connection.send(
      {
        method: 'POST',
        url: uploadAddress(endpoint, this.#bucket, query),
        headers: {
          'content-type': 'application/json; charset=UTF-8',
          ...(fields.contentType !== undefined && { 'x-upload-content-type': fields.contentType }),
        },
        body: JSON.stringify(fields),
      },
      signal,
    );
    body.resume();
    const address = headers.get('location');
    if (address !== null && URL.canParse(address)) return address;
    throw new AnswerError(status, headers, 'The answer to the beginning of an upload names no address.');
  }

  /** Sends one part, again from where the service says it is. @returns what was made, if it was the last. */
  async #putPart(
    url: string,
    { bytes, last }: Part,
    start: number,
    signal: AbortSignal,
  ): Promise<ObjectResource | undefined> {
    const end = start + bytes.length;
    const total = last ? `${end}` : '*';
    for (let at = start; ; ) {
      const answer = await this.#connection
        .send(
          {
            method: 'PUT',
            url,
            headers: { 'content-range': at === end ? `bytes */${total}` : `bytes ${at}-${end - 1}/${total}` },
            body: bytes.subarray(at - start),
            also: [INCOMPLETE],
          },
          signal,
        )
        .catch((error: unknown) => {
          // Either is said of an upload that is over; with a new one it may go.
          throw hasStatus(error, 404) || hasStatus(error, 410) ? new LostUploadError(error as AnswerError) : error;
        });
      if (answer.status !== INCOMPLETE) return jsonOf<ObjectResource>(answer);
      answer.body.resume();
      // GCS may keep less than it was sent.
      const kept = /^bytes=0-(\d+)$/.exec(answer.headers.get('range') ?? '')?.[1];
      const next = kept === undefined ? 0 : Number(kept) + 1;
      if (!last && next === end) return undefined;
      if (next <= at || next > end) {
        throw new AnswerError(answer.status, answer.headers, 'The service lost a part of the upload.');
      }
      at = next;
    }
  }

  async #cancel(url: string): Promise<void> {
    const { body } = await this.#connection.send(
      { method: 'DELETE', url, headers: { 'content-length': '0' }, also: CANCELLED },
      AbortSignal.timeout(TIDY_MS),
    );
    body.resume();
  }

  get #connection(): GcsConnection {
    return this.#backend.connection;
  }
}
