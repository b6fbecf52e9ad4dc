import { Readable } from 'node:stream';
import type { ByteStream } from '../contracts/body.ts';

/**
 * The body of an answer as an SDK hands it out: an unread one holds its socket until it is
 * destroyed, and a failing one without a listener would end the process.
 */
export function readable(body: Readable | undefined): Readable {
  if (body === undefined) return Readable.from([]);
  return body.on('error', () => undefined);
}

/**
 * Reads `stream` to its end of exactly `length` bytes.
 *
 * @param map makes an error of what the connection says; of `ECONNRESET` if the end came too early.
 */
export async function* whole(stream: Readable, length: number, map: (error: unknown) => unknown): ByteStream {
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw map(error);
  }
  if (size !== length) throw map(Object.assign(new Error(`${size} of ${length} bytes came.`), { code: 'ECONNRESET' }));
}

/**
 * Makes something of an answer whose body has come; if that fails, the body is destroyed: nobody else
 * would free its connection.
 */
export async function ofBody<T>(stream: Readable, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    stream.destroy();
    throw error;
  }
}
