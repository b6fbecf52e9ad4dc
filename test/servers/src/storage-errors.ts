import type { ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { type PutBody, type StorageAdapter, StorageError, type StoredMetadata, storageKey } from '@tintype/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Answering, service } from './scripted-service.ts';

/** A kind of cloud storage, as its tests of errors need it. */
export interface FailingCloud {
  /** What sentences say of the place of entries: `bucket photos`. It is named `photos`. */
  readonly place: 'bucket photos' | 'container photos';
  /** A storage on a service, not yet opened. @param timeoutSeconds longest silence; none unless it is given. */
  storage(endpoint: string, timeoutSeconds?: number): StorageAdapter;
  /** Answers what opening asks as if all were well; logins too, whenever they come. @returns whether it has. */
  opens(opening: boolean, ...exchange: Parameters<Answering>): boolean;
  /** Refuses as the service does: by a status, a word of its own where it has words, and more of its body. */
  refuse(response: ServerResponse, refusal: Refusal): void;
}

export interface Refusal {
  readonly status: number;
  readonly word: string;
  readonly more?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** How a service refuses, which code that is, and a word of the sentence about it. */
export type RefusalCase = readonly [status: number, word: string, code: string, clause: string, more?: string];

export interface ErrorCases {
  readonly refusals: readonly RefusalCase[];
  /** Whether a put that fails in this way may have happened. */
  readonly applied: readonly (readonly [status: number, word: string, applied: 'no' | 'unknown'])[];
  /** What a service may repeat in a refusal, and no error. */
  readonly secrets: Refusal & { readonly unsaid: readonly string[] };
  /** What a service says that asks for less. */
  readonly overload: readonly [status: number, word: string];
}

export const key: ReturnType<typeof storageKey> = storageKey('k');
export const metadata: StoredMetadata = { encoded: 'm', contentType: 'image/png' };
export const body: PutBody = bodyOf(new Uint8Array(10));

const context = { signal: new AbortController().signal };

export function bodyOf(bytes: Uint8Array): PutBody {
  return {
    bytes,
    size: bytes.length,
    replayable: true,
    async *stream() {
      yield bytes;
    },
  };
}

/** A storage, opened while the service says that all is well; from then on it answers as told. */
export async function storageOn(
  cloud: FailingCloud,
  answer: (response: ServerResponse) => void,
): Promise<StorageAdapter> {
  let opening = true;
  const { endpoint } = await service((request, response) => {
    if (!cloud.opens(opening, request, response)) answer(response);
  });
  const storage = cloud.storage(endpoint);
  await storage.open(context);
  opening = false;
  onTestFinished(() => storage.close());
  return storage;
}

/**
 * What is asked with so short a time-out that a busy machine may miss it, although the service answers at once: then it
 * is asked once more.
 */
export async function inTime<T>(ask: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!StorageError.is(error) || !error.retryable) throw error;
    }
  }
}

export async function failureOf(work: unknown): Promise<StorageError> {
  try {
    await work;
  } catch (error) {
    if (StorageError.is(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** What all cloud storages make of their services' failures. */
export function testStorageErrors(cloud: FailingCloud, { refusals, applied, secrets, overload }: ErrorCases): void {
  const put = (storage: StorageAdapter) => failureOf(storage.put(key, body, metadata, undefined, context));
  const get = (storage: StorageAdapter) => failureOf(storage.get(key, undefined, context));

  describe('what the service says has a code and a sentence for the operator', () => {
    const cases = refusals.map(([status, word, code, clause, more]) => ({ status, word, code, clause, more }));
    test.each(cases)('$status $word: $code, $clause', async ({ status, word, code, clause, more }) => {
      const storage = await storageOn(cloud, (response) => cloud.refuse(response, { status, word, more }));
      const error = await put(storage);
      expect(error).toMatchObject({ name: 'StorageError', code, message: expect.stringContaining(clause) });
      expect(error.message).toContain(cloud.place);
    });
  });

  describe('what was refused did not happen; what may have happened is unknown', () => {
    test.each(applied)('%i %s: %s', async (status, word, expected) => {
      const storage = await storageOn(cloud, (response) => cloud.refuse(response, { status, word }));
      expect([(await put(storage)).applied, (await get(storage)).applied]).toEqual([expected, 'no']);
    });
  });

  test('Retry-After is told in milliseconds, as seconds or as a date', async () => {
    const [status, word] = overload;
    const fields = ['7', new Date(Date.now() + 60_000).toUTCString()];
    const storage = await storageOn(cloud, (response) =>
      cloud.refuse(response, { status, word, headers: { 'retry-after': fields.shift() ?? '' } }),
    );
    const first = await get(storage);
    expect([first.code, first.retryAfterMs]).toEqual(['rate-limited', 7_000]);
    const ms = (await get(storage)).retryAfterMs ?? 0;
    // What has passed since the date was written may be a while.
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThanOrEqual(60_000);
  });

  test('no secret gets into an error, whatever the service repeats', async () => {
    const storage = await storageOn(cloud, (response) => cloud.refuse(response, secrets));
    const shown = inspect(await get(storage), { depth: 10, showHidden: true });
    for (const secret of secrets.unsaid) expect(shown).not.toContain(secret);
  });

  test('who gives up before an answer is told the reason, and the connection is freed', async () => {
    const arrived = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const storage = await storageOn(cloud, (response) => {
      response.on('close', closed.resolve);
      arrived.resolve();
    });
    const controller = new AbortController();
    const reason = new Error('gone');
    const waiting = Promise.resolve(storage.get(key, undefined, { signal: controller.signal }));
    await arrived.promise;
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await closed.promise;
  });

  test('silence ends after the time-out', async () => {
    const { endpoint } = await service(() => undefined);
    const silent = { code: 'timeout', retryable: true };
    await expect(cloud.storage(endpoint, 0.2).open(context)).rejects.toMatchObject(silent);
  });

  test('an answer that is no entry is given up with its connection', async () => {
    const closed = Promise.withResolvers<void>();
    const storage = await storageOn(cloud, (response) => {
      response.on('close', closed.resolve);
      // The whole of what was asked for in part, and its end never comes.
      const known = { etag: '"a"', 'x-goog-generation': '1', 'x-goog-metageneration': '1' };
      response.writeHead(200, { 'content-length': '200000', ...known }).write('the beginning');
    });
    const error = await failureOf(storage.get(key, { first: 5, last: 9 }, context));
    expect(error).toMatchObject({ code: 'internal', message: 'The service ignores byte ranges.' });
    // No silence ends it.
    await closed.promise;
  });
}
