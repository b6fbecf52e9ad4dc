import type { CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import { LeftOvers, type Part } from '@tintype/core';
import type { S3Connection } from './client.ts';
import { isForbidden, isMissing } from './errors.ts';

/** Size of a part, and the size up to which a body is put whole, in bytes. */
export const PART_BYTES: number = 8 * 1024 * 1024;

/** S3 takes no more parts than this. */
export const MAX_PARTS = 10_000;

/** Longest time that tidying up may take, in milliseconds. */
const TIDY_MS = 10_000;

/** How many unanswered beginnings are remembered. */
const MAX_UNANSWERED = 100;

/**
 * Age at which an upload that nobody names is left over, in milliseconds: another process may upload
 * the same key, and no put takes as long.
 */
export const ABANDONED_MS: number = 60 * 60 * 1_000;

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
 * from another process's upload of the key: it is aborted with a later upload, once it is an hour old.
 * A process that ends before leaves it to the lifecycle rule of the bucket.
 */
export class MultipartUploads {
  readonly #connection: S3Connection;
  readonly #bucket: string;
  readonly #now: () => number;
  readonly #leftOvers = new LeftOvers<Upload>((upload) => this.#abort(upload));
  /** Keys whose upload may have been begun without our knowing its id, and since when. */
  readonly #unanswered = new Map<string, number>();

  constructor(connection: S3Connection, bucket: string, now: () => number = Date.now) {
    this.#connection = connection;
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
        if (next.done) break;
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
    const due = [...this.#unanswered].filter(([, since]) => this.#now() - since >= ABANDONED_MS);
    await Promise.all([this.#leftOvers.tidy(), ...due.map(([key]) => this.#abortAbandoned(key))]);
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
      // Refused requests began nothing; a lost answer may have been about an upload.
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
      if (status === undefined || status < 300 || status >= 500) this.#remember(Key, since);
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

  /** Aborts uploads of this key that are old enough to be nobody's. */
  async #abortAbandoned(Key: string): Promise<void> {
    const { sdk } = this.#connection;
    const Bucket = this.#bucket;
    // Once: what is younger is not what was left.
    this.#unanswered.delete(Key);
    try {
      const { Uploads = [] } = await this.#connection.run(Bucket, (client) =>
        client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: Key }), {
          abortSignal: AbortSignal.timeout(TIDY_MS),
        }),
      );
      for (const { Key: of, UploadId, Initiated } of Uploads) {
        const isOld = Initiated !== undefined && this.#now() - Initiated.getTime() >= ABANDONED_MS;
        if (of === Key && UploadId !== undefined && isOld) await this.#leftOvers.remove({ Bucket, Key, UploadId });
      }
    } catch {
      // The lifecycle rule of the bucket remains.
    }
  }
}
