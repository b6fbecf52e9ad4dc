import { type PutBody, StorageError } from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { receiving } from './receiving.ts';

/** What arrived of a stream before it failed. */
async function asFarAsItGoes(body: PutBody): Promise<{ readonly bytes: Uint8Array; readonly error: unknown }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body.stream()) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), error: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  }
}

/** Faults of puts whose body fails, or that are aborted. */
export const brokenPutFaults: readonly StorageFault[] = [
  fault({
    name: 'stores-what-arrived',
    breaks: 'When a body fails, what had arrived becomes the entry.',
    caughtBy: ['put.failed-body-creates-nothing', 'put.failed-body-keeps-the-old', 'list.hides-the-unfinished'],
    storage: receiving(async (storage, body, _, key, metadata) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (error instanceof Error && error.message === 'the source broke') storage.commit(key, bytes, metadata);
      throw error;
    }),
  }),
  fault({
    name: 'failure-removes-the-old',
    breaks: 'A put whose body fails takes the old entry away.',
    caughtBy: ['put.failed-body-keeps-the-old'],
    storage: receiving(async (storage, body, _, key) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (error instanceof Error && error.message === 'the source broke')
        storage.data.entries.delete(storage.full(key));
      throw error;
    }),
  }),
  fault({
    name: 'end-counts-as-complete',
    breaks: 'A stream that fails after its last byte is stored.',
    caughtBy: ['put.failed-body-creates-nothing', 'put.failed-body-keeps-the-old'],
    storage: receiving(async (_, body) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined || (bytes.length === body.size && !String(error).includes('any more'))) return bytes;
      throw error;
    }),
  }),
  fault({
    name: 'wraps-body-errors',
    breaks: 'An error of the caller’s stream comes out as a StorageError.',
    caughtBy: ['put.body-error-is-unchanged'],
    storage: receiving(async (_, body, context) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (context.signal.aborted) throw error;
      throw new StorageError({ code: 'internal', message: 'The put failed.', cause: error });
    }),
  }),
  fault({
    name: 'abort-ignored',
    breaks: 'An aborted put stores what had arrived.',
    caughtBy: ['put.aborted-creates-nothing', 'put.aborted-keeps-the-old'],
    storage: receiving(async (storage, body, context, key, metadata) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (context.signal.aborted) storage.commit(key, bytes, metadata);
      throw error;
    }),
  }),
  fault({
    name: 'abort-removes-the-old',
    breaks: 'An aborted overwrite takes the old entry away.',
    caughtBy: ['put.aborted-keeps-the-old'],
    storage: receiving(async (storage, body, context, key) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (context.signal.aborted) storage.data.entries.delete(storage.full(key));
      throw error;
    }),
  }),
  fault({
    name: 'wraps-the-abort-reason',
    breaks: 'An aborted put rejects with a StorageError.',
    caughtBy: ['put.abort-rejects-with-the-reason'],
    storage: receiving(async (_, body, context) => {
      if (body.bytes) return body.bytes.slice();
      const { bytes, error } = await asFarAsItGoes(body);
      if (error === undefined) return bytes;
      if (!context.signal.aborted) throw error;
      throw new StorageError({ code: 'timeout', message: 'Aborted.', cause: error });
    }),
  }),
];
