import type { CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import type { Part } from '@tintype/core';
import type { S3Connection } from './client.ts';
import { isMissing } from './errors.ts';

/** Size of a part, and the size up to which a body is put whole, in bytes. */
export const PART_BYTES: number = 8 * 1024 * 1024;

/** S3 takes no more parts than this. */
export const MAX_PARTS = 10_000;

/** Longest time that tidying up may take, in milliseconds. */
const TIDY_MS = 10_000;

/** A clock of the service may lag behind ours by this much, in milliseconds. */
const SKEW_MS = 2_000;

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
 */
export class MultipartUploads {
  readonly #connection: S3Connection;
  readonly #bucket: string;
  /** Of this process and under way: not to be taken for left over. */
  readonly #running = new Set<string>();
  /** Aborted in vain so far. */
  readonly #stale = new Map<string, Upload>();
  /** Keys whose upload may have been begun without our knowing its id, and since when. */
  readonly #suspects = new Map<string, number>();

  constructor(connection: S3Connection, bucket: string) {
    this.#connection = connection;
    this.#bucket = bucket;
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
    this.#tidyInBackground();
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
      this.#stale.set(upload.UploadId, upload);
      await this.#abort(upload);
      throw error;
    } finally {
      this.#running.delete(upload.UploadId);
    }
  }

  /** Tries once more to abort what is left over. */
  async tidy(): Promise<void> {
    await Promise.all([
      ...[...this.#stale.values()].map((upload) => this.#abort(upload)),
      ...[...this.#suspects].map(([key, since]) => this.#abortUnknown(key, since)),
    ]);
  }

  #tidyInBackground(): void {
    if (this.#stale.size + this.#suspects.size > 0) this.tidy().catch(() => undefined);
  }

  async #begin(Key: string, fields: Fields, abortSignal: AbortSignal): Promise<Upload> {
    const { sdk } = this.#connection;
    const Bucket = this.#bucket;
    const since = Date.now();
    try {
      const { UploadId } = await this.#connection.run(Bucket, (client) =>
        client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key, ...fields }), { abortSignal }),
      );
      if (UploadId === undefined) throw new Error('The answer to CreateMultipartUpload names no upload.');
      this.#running.add(UploadId);
      return { Bucket, Key, UploadId };
    } catch (error) {
      // Refused requests began nothing; a lost answer may have been about an upload.
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
      if (status === undefined || status < 300 || status >= 500) {
        this.#suspects.set(Key, since);
        await this.#abortUnknown(Key, since);
      }
      throw error;
    }
  }

  async #abort(upload: Upload): Promise<void> {
    const { sdk } = this.#connection;
    try {
      await this.#connection.run(upload.Bucket, (client) =>
        client.send(new sdk.AbortMultipartUploadCommand(upload), { abortSignal: AbortSignal.timeout(TIDY_MS) }),
      );
    } catch (error) {
      // Gone already is as good.
      if (!isMissing(error) && (error as { name?: unknown }).name !== 'NoSuchUpload') return;
    }
    this.#stale.delete(upload.UploadId);
  }

  /** Aborts uploads of this key that began since then and that this process does not know. */
  async #abortUnknown(Key: string, since: number): Promise<void> {
    const { sdk } = this.#connection;
    const Bucket = this.#bucket;
    try {
      const { Uploads = [] } = await this.#connection.run(Bucket, (client) =>
        client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: Key }), {
          abortSignal: AbortSignal.timeout(TIDY_MS),
        }),
      );
      for (const { Key: of, UploadId, Initiated } of Uploads) {
        if (of !== Key || UploadId === undefined || this.#running.has(UploadId)) continue;
        if (Initiated !== undefined && Initiated.getTime() < since - SKEW_MS) continue;
        const upload = { Bucket, Key, UploadId };
        this.#stale.set(UploadId, upload);
        await this.#abort(upload);
      }
      this.#suspects.delete(Key);
    } catch {
      // Tried again with the next upload and at close.
    }
  }
}
