import { randomUUID } from 'node:crypto';
import type { BlockBlobClient } from '@azure/storage-blob';
import type { Part } from '@tintype/core';
import type { NativeFields } from './entry-fields.ts';

/** Size of a block, and the size up to which a body is put whole, in bytes. */
export const PART_BYTES: number = 8 * 1024 * 1024;

/** Azure takes no more blocks than this. */
export const MAX_PARTS = 50_000;

/** What a write must meet. */
export interface UploadCondition {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
}

/**
 * Uploads the parts one after another as blocks, and commits them at once. Blocks that are never
 * committed show nowhere, and Azure forgets them after a week; there is no way to take them back.
 *
 * @returns the ETag.
 */
export async function putBlocks(
  client: BlockBlobClient,
  first: Part,
  rest: AsyncIterator<Part>,
  fields: NativeFields,
  conditions: UploadCondition,
  abortSignal: AbortSignal,
): Promise<string | undefined> {
  // Blocks belong to the blob and not to an upload: with ids of its own an upload never commits
  // another one's. All ids of a blob must have one length.
  const upload = randomUUID();
  const blocks: string[] = [];
  for (let part = first; ; ) {
    const id = Buffer.from(`${upload}-${String(blocks.length).padStart(5, '0')}`).toString('base64');
    await client.stageBlock(id, part.bytes, part.bytes.length, { abortSignal });
    blocks.push(id);
    if (part.last) break;
    const next = await rest.next();
    if (next.done) throw new Error('A body has a last part.');
    part = next.value;
  }
  const { etag } = await client.commitBlockList(blocks, { ...fields, conditions, abortSignal });
  return etag;
}
