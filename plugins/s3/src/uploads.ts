import type { CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import { type Backend, isNeverSent, LeftOvers, type Part, syscallOf, unlessAborted } from '@tintype/core';
import type { S3Connection } from './client.ts';
import { isForbidden, isMissing, LoginError } from './errors.ts';

/** Size of a part, and the size up to which a body is put whole, in bytes. */
export const PART_BYTES: number = 8 * 1024 * 1024;

/** S3 takes no more parts than this. */
export const MAX_PARTS = 10_000;

/** Longest time that tidying up may take, in milliseconds. */
const TIDY_MS = 10_000;

/** How many unanswered beginnings are remembered. */
const MAX_UNANSWERED = 100;

/**
 * Ages at which an upload that nobody names is left over, in milliseconds: another process may upload
 * the same key. A part follows upon the beginning within a minute, and no put takes an hour. The time of
 * the beginning is S3's, and its clock and ours differ by up to 15 minutes: of more it refuses requests.
 */
export const ABANDONED_MS = { withoutParts: 960_000, withParts: 3_600_000 } as const;

type Fields = Omit<CreateMultipartUploadCommandInput, 'Bucket' | 'Key'>;

interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

/** What a completed upload must meet. */
export interface UploadCondition {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
}

/**
 * Multipart uploads that leave nothing behind: whatever fails, the upload is aborted, and one whose
 * abort failed too is tried again later, at the latest when the storage is closed.
 *
 * One whose beginning was never answered has no parts, so it costs nothing, and S3 does not tell it
 * from another process's upload of the key but by that: it is aborted with a later upload or by
 * closing, once it has had no part for 16 minutes. A process that ends before leaves it to the
 * lifecycle rule of the bucket.
 */
export class S3Uploads {
  readonly #backend: Pick<Backend<S3Connection>, 'connection'>;
  readonly #bucket: string;
  readonly #now: () => number;
  readonly #leftOvers = new LeftOvers<Upload>((upload) => this.#abort(upload));
  /** Keys whose upload may have been begun without our knowing its id, and since when. */
  readonly #unanswered = new Map<string, number>();

  constructor(backend: Pick<Backend<S3Connection>, 'connection'>, bucket: string, now: () => number = Date.now) {
    this.#backend = backend;
    this.#bucket = bucket;
    this.#now = now;
  }

  /** Uploads the parts one after another. @returns the ETag. */
  async put(
    Key: string,
    first: Part,
    rest: AsyncIterator<Part>,
    fields: Fields,
    condition: UploadCondition,
    abortSignal: AbortSignal,
  ): Promise<string | undefined> {
    const { sdk } = this.#connection;
    const Bucket = this.#bucket;
    // In the background: nobody waits for it, and it never rejects.
    void this.tidy();
    const upload = await this.#begin(Key, fields, abortSignal);
    try {
      const Parts: { ETag: string | undefined; PartNumber: number }[] = [];
      for (let part = first; ; ) {
        const PartNumber = Parts.length + 1;
        const { ETag } = await this.#connection.run(Bucket, (client) =>
          client.send(new sdk.UploadPartCommand({ ...upload, PartNumber, Body: part.bytes }), { abortSignal }),
        );
        Parts.push({ ETag, PartNumber });
        if (part.last) break;
        const next = await rest.next();
        if (next.done) throw new Error('A body has a last part.');
        part = next.value;
      }
      const { ETag } = await this.#connection.run(Bucket, (client) =>
        client.send(new sdk.CompleteMultipartUploadCommand({ ...upload, ...condition, MultipartUpload: { Parts } }), {
          abortSignal,
        }),
      );
      return ETag;
    } catch (error) {
      await this.#leftOvers.remove(upload);
      throw error;
    }
  }

  /** Tries once more to abort what is left over. Never rejects. */
  async tidy(): Promise<void> {
    const due = [...this.#unanswered].filter(([, since]) => this.#now() - since >= ABANDONED_MS.withoutParts);
    const all = Promise.all([this.#leftOvers.tidy(), ...due.map(([key, since]) => this.#abortAbandoned(key, since))]);
    // One time for all of it: whoever closes the storage waits.
    await unlessAborted(all, AbortSignal.timeout(TIDY_MS)).catch(() => undefined);
  }

  async #begin(Key: string, fields: Fields, abortSignal: AbortSignal): Promise<Upload> {
    const { sdk } = this.#connection;
    const Bucket = this.#bucket;
    const since = this.#now();
    try {
      const { UploadId } = await this.#connection.run(Bucket, (client) =>
        client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key, ...fields }), { abortSignal }),
      );
      if (UploadId === undefined) throw new Error('The answer to CreateMultipartUpload names no upload.');
      return { Bucket, Key, UploadId };
    } catch (error) {
      if (mayHaveBegun(error)) this.#remember(Key, since);
      throw error;
    }
  }

  #remember(Key: string, since: number): void {
    const [oldest] = this.#unanswered.keys();
    if (oldest !== undefined && this.#unanswered.size >= MAX_UNANSWERED) this.#unanswered.delete(oldest);
    this.#unanswered.set(Key, since);
  }

  async #abort(upload: Upload): Promise<void> {
    const { sdk } = this.#connection;
    try {
      await this.#connection.run(upload.Bucket, (client) =>
        client.send(new sdk.AbortMultipartUploadCommand(upload), { abortSignal: AbortSignal.timeout(TIDY_MS) }),
      );
    } catch (error) {
      // Gone already is as good, and who may not abort may not later either.
      if (!isMissing(error) && !isForbidden(error) && (error as { name?: unknown }).name !== 'NoSuchUpload')
        throw error;
    }
  }

  /** Aborts uploads of this key that are nobody's; asks again later if some may be. */
  async #abortAbandoned(Key: string, since: number): Promise<void> {
    const { sdk } = this.#connection;
    const Bucket = this.#bucket;
    this.#unanswered.delete(Key);
    try {
      const { Uploads = [] } = await this.#connection.run(Bucket, (client) =>
        client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: Key }), {
          abortSignal: AbortSignal.timeout(TIDY_MS),
        }),
      );
      let remain = false;
      for (const { Key: of, UploadId, Initiated } of Uploads) {
        if (of !== Key || UploadId === undefined || Initiated === undefined) continue;
        const upload = { Bucket, Key, UploadId };
        if (await this.#isAbandoned(upload, this.#now() - Initiated.getTime())) await this.#leftOvers.remove(upload);
        else remain = true;
      }
      const isLate = this.#now() - since >= ABANDONED_MS.withParts;
      if (remain && !isLate && !this.#unanswered.has(Key)) this.#unanswered.set(Key, since);
    } catch {
      // The lifecycle rule of the bucket remains.
    }
  }

  async #isAbandoned(upload: Upload, age: number): Promise<boolean> {
    if (age < ABANDONED_MS.withoutParts) return false;
    if (age >= ABANDONED_MS.withParts) return true;
    const { sdk } = this.#connection;
    const { Parts = [] } = await this.#connection.run(upload.Bucket, (client) =>
      client.send(new sdk.ListPartsCommand({ ...upload, MaxParts: 1 }), { abortSignal: AbortSignal.timeout(TIDY_MS) }),
    );
    return Parts.length === 0;
  }

  get #connection(): S3Connection {
    return this.#backend.connection;
  }
}

/** Refused requests, and those that were never sent, began nothing; a lost answer may have been about an upload. */
function mayHaveBegun(error: unknown): boolean {
  if (error instanceof LoginError) return false;
  const { code, $metadata } = error as { code?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  return status === undefined ? !isNeverSent(code, syscallOf(error)) : status < 300 || status >= 500;
}
