import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StorageCapabilities } from '@tintype/core';
import type { S3Connection } from './client.ts';
import { hasStatus } from './errors.ts';
import type { S3Target } from './target.ts';

/** The capabilities that are a matter of the service. */
export type Conditions = Pick<
  StorageCapabilities,
  'conditionalCreate' | 'conditionalReplace' | 'conditionalMetadata' | 'conditionalDelete'
>;

export const NO_CONDITIONS: Conditions = {
  conditionalCreate: false,
  conditionalReplace: false,
  conditionalMetadata: false,
  conditionalDelete: false,
};

export const ALL_CONDITIONS: Conditions = {
  conditionalCreate: true,
  conditionalReplace: true,
  conditionalMetadata: true,
  conditionalDelete: true,
};

/** An ETag that no object has. */
const NO_SUCH_ETAG = '"00000000000000000000000000000000"';

/** How long a slow writer is slow, in milliseconds, if the fast one does not come through meanwhile. */
const PATIENCE_MS = 1_000;

/**
 * Finds out which conditions a service honours, by trying: some ignore them silently, some check
 * them only when a request arrives, so that two writers with slow bodies both win.
 *
 * Writes one object under a name of its own and removes it. Needs about a dozen requests.
 */
export async function probeConditions(
  connection: S3Connection,
  target: S3Target,
  pathPrefix: string,
  signal: AbortSignal,
): Promise<Conditions> {
  // The tilde keeps it out of `list`: no key has one.
  const Key = `${pathPrefix === '' ? '' : `${pathPrefix}/`}~tintype-probe-${randomUUID()}`;
  const { sdk } = connection;
  const where = { Bucket: target.bucket, Key };
  const send = { abortSignal: signal };
  const put = async (body: AsyncGenerator<Uint8Array> | Uint8Array, size: number, condition: object) => {
    const { ETag = '' } = await connection.run(target.bucket, (client) =>
      client.send(
        new sdk.PutObjectCommand({
          ...where,
          ...target.fields,
          ...condition,
          ContentLength: size,
          Body: body instanceof Uint8Array ? body : Readable.from(body, { objectMode: false }),
        }),
        send,
      ),
    );
    return ETag;
  };

  /** Two writers on one condition, one of them with a slow body: the ETags of those who won. */
  const race = async (condition: object): Promise<readonly string[]> => {
    const arrived = Promise.withResolvers<void>();
    const free = Promise.withResolvers<void>();
    const slow = attempt(put(slowly(arrived.resolve, free.promise), 2 * HALF, condition));
    // Whatever happens to the slow one, the fast one need not wait for it.
    await Promise.race([arrived.promise, slow]);
    const fast = attempt(put(new Uint8Array(HALF).fill(2), HALF, condition));
    await Promise.race([fast, sleep(PATIENCE_MS, undefined, { ref: false })]);
    free.resolve();
    const outcomes = await Promise.all([slow, fast]);
    for (const outcome of outcomes) if ('error' in outcome && !isRefusal(outcome.error)) throw outcome.error;
    return outcomes.flatMap((outcome) => ('value' in outcome ? [outcome.value] : []));
  };

  /** Whether a request that should be refused for its condition is. */
  const refused = async (request: Promise<unknown>): Promise<boolean> => {
    const outcome = await attempt(request);
    if ('value' in outcome) return false;
    if (isRefusal(outcome.error)) return !hasStatus(outcome.error, 501);
    throw outcome.error;
  };

  // The first put is unconditional: it tells wrong credentials and missing buckets from what follows.
  const before = await put(new Uint8Array(1), 1, {});
  try {
    if (!(await refused(put(new Uint8Array(2), 2, { IfNoneMatch: '*' })))) return NO_CONDITIONS;
    if (!(await refused(put(new Uint8Array(3), 3, { IfMatch: NO_SUCH_ETAG })))) return NO_CONDITIONS;
    const [ETag, ...others] = await race({ IfMatch: before });
    const conditionalReplace = ETag !== undefined && others.length === 0;

    const conditionalMetadata = await refused(
      connection.run(target.bucket, (client) =>
        client.send(
          new sdk.CopyObjectCommand({
            ...where,
            ...target.fields,
            CopySource: `${target.bucket}/${encodeURI(Key)}`,
            MetadataDirective: 'REPLACE',
            IfMatch: NO_SUCH_ETAG,
          }),
          send,
        ),
      ),
    );
    // Before the deletion: a service that ignores its condition takes the object away.
    const uploads = await refusesUploads(connection, target, Key, signal);
    const deletes = await refused(
      connection.run(target.bucket, (client) =>
        client.send(new sdk.DeleteObjectCommand({ ...where, IfMatch: NO_SUCH_ETAG }), send),
      ),
    );
    await connection.run(target.bucket, (client) => client.send(new sdk.DeleteObjectCommand(where), send));
    // Some refuse to delete another version, and say that they have deleted what is not there.
    const deletesNothing = await refused(
      connection.run(target.bucket, (client) =>
        client.send(new sdk.DeleteObjectCommand({ ...where, IfMatch: NO_SUCH_ETAG }), send),
      ),
    );
    const created = await race({ IfNoneMatch: '*' });
    return {
      conditionalCreate: created.length === 1 && uploads,
      conditionalReplace: conditionalReplace && uploads,
      conditionalMetadata,
      conditionalDelete: deletes && deletesNothing,
    };
  } finally {
    // Not with the caller's signal: what was given up half-way must go too.
    await connection
      .run(target.bucket, (client) =>
        client.send(new sdk.DeleteObjectCommand(where), { abortSignal: AbortSignal.timeout(5_000) }),
      )
      .catch(() => undefined);
  }
}

/** Whether the completion of a multipart upload is refused for its condition. */
async function refusesUploads(
  connection: S3Connection,
  target: S3Target,
  Key: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { sdk } = connection;
  const send = { abortSignal: signal };
  const { bucket: Bucket } = target;
  const { UploadId } = await connection.run(Bucket, (client) =>
    client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key, ...target.fields }), send),
  );
  const upload = { Bucket, Key, UploadId };
  try {
    const { ETag } = await connection.run(Bucket, (client) =>
      client.send(new sdk.UploadPartCommand({ ...upload, PartNumber: 1, Body: new Uint8Array(4) }), send),
    );
    const completed = await attempt(
      connection.run(Bucket, (client) =>
        client.send(
          new sdk.CompleteMultipartUploadCommand({
            ...upload,
            IfNoneMatch: '*',
            MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] },
          }),
          send,
        ),
      ),
    );
    if ('value' in completed) return false;
    if (!isRefusal(completed.error)) throw completed.error;
    return !hasStatus(completed.error, 501);
  } finally {
    await connection
      .run(Bucket, (client) =>
        client.send(new sdk.AbortMultipartUploadCommand(upload), { abortSignal: AbortSignal.timeout(5_000) }),
      )
      .catch(() => undefined);
  }
}

/** Enough that a server which reads ahead does not have it all at once. */
const HALF = 128 * 1024;

async function* slowly(arrived: () => void, free: Promise<void>): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(HALF).fill(1);
  arrived();
  await free;
  yield new Uint8Array(HALF).fill(1);
}

type Attempt<T> = { readonly value: T } | { readonly error: unknown };

async function attempt<T>(work: Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work };
  } catch (error) {
    return { error };
  }
}

/** The condition did not hold (412), lost a race (409), has nothing to hold for (404), or is unknown (501, 400). */
function isRefusal(error: unknown): boolean {
  return [412, 409, 404, 501, 400].some((status) => hasStatus(error, status));
}
