import type { Body, ByteStream } from './contracts/body.ts';

/** Joins all of `stream` into one array. */
export async function collect(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
  }
  if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0];
  const all = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}

/**
 * Gives the memory of `bytes` back at once, if they are all of their `ArrayBuffer`; their length is 0 from then
 * on. Bytes that share it, as those of Node's pool do, are left alone. What waits for the garbage collector
 * makes it do its full round once for some 64 MiB, which took two milliseconds for each source of a megabyte.
 */
export function freeIfWhole(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (!(buffer instanceof ArrayBuffer) || buffer.detached) return;
  if (bytes.byteLength === buffer.byteLength) buffer.transfer(0);
}

/**
 * Gives all of the `ArrayBuffer` back that `bytes` lie in, whatever part of it they are: only for what was given
 * away with all of it (see `Body.expendable`). Memory that cannot be given back stays as it is.
 */
export function freeExpendable(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (!(buffer instanceof ArrayBuffer)) return;
  try {
    buffer.transfer(0);
  } catch {
    // Freed already, or WebAssembly's.
  }
}

/**
 * `chunks`, which give what the receiver gives back to the stream that they come from (`ByteStream.recycle`).
 *
 * @param source that stream; `undefined` for as long as it isn't open.
 */
export function passingBack(chunks: AsyncIterable<Uint8Array>, source: () => ByteStream | undefined): ByteStream {
  return {
    [Symbol.asyncIterator]: () => chunks[Symbol.asyncIterator](),
    recycle: (chunk) => source()?.recycle?.(chunk),
  };
}

async function* once(bytes: Uint8Array): ByteStream {
  if (bytes.length > 0) yield bytes;
}

/** A body that lies in memory. */
export class BufferedBody implements Body {
  readonly buffered: Uint8Array;
  readonly expendable: boolean;
  #consumed = false;

  /** @param expendable whether the caller gives `bytes` away: see `Body.expendable`. */
  constructor(bytes: Uint8Array, { expendable = false }: { readonly expendable?: boolean } = {}) {
    this.buffered = bytes;
    this.expendable = expendable;
  }

  async bytes(): Promise<Uint8Array> {
    this.#consume();
    return this.buffered;
  }

  stream(): ByteStream {
    this.#consume();
    return once(this.buffered);
  }

  async discard(): Promise<void> {
    this.#consumed = true;
  }

  #consume(): void {
    if (this.#consumed) throw new Error('This body was already consumed.');
    this.#consumed = true;
  }
}

/**
 * A body that is read from a stream which `open` provides at the first demand.
 *
 * @param open starts reading; called at most once.
 * @param release frees the connection or handle when the body is discarded unread, or its stream
 *   was given up. Called at most once; not called after the stream ended by itself.
 */
export class StreamedBody implements Body {
  readonly buffered = undefined;
  readonly #open: () => ByteStream;
  readonly #release: () => void | Promise<void>;
  #state: 'unread' | 'reading' | 'done' = 'unread';
  #source: ByteStream | undefined;

  constructor(open: () => ByteStream, release: () => void | Promise<void>) {
    this.#open = open;
    this.#release = release;
  }

  bytes(): Promise<Uint8Array> {
    return collect(this.stream());
  }

  stream(): ByteStream {
    if (this.#state !== 'unread') throw new Error('This body was already consumed.');
    this.#state = 'reading';
    const chunks = this.#read();
    const iterator: AsyncIterator<Uint8Array> = {
      next: () => chunks.next(),
      // A generator that never began skips its `finally`: whoever gives up before the first chunk
      // would otherwise keep the connection.
      return: async () => {
        await chunks.return(undefined);
        await this.discard();
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.asyncIterator]: () => iterator, recycle: (chunk) => this.#source?.recycle?.(chunk) };
  }

  async discard(): Promise<void> {
    if (this.#state === 'done') return;
    this.#state = 'done';
    await this.#release();
  }

  async *#read(): AsyncGenerator<Uint8Array, void> {
    let ended = false;
    try {
      this.#source = this.#open();
      for await (const chunk of this.#source) yield chunk;
      ended = true;
      this.#state = 'done';
    } finally {
      if (!ended) await this.discard();
    }
  }
}
