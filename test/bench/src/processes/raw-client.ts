import { connect, type Socket } from 'node:net';

const END_OF_HEADERS = Buffer.from('\r\n\r\n');

export interface Answer {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  readonly body: Buffer;
}

/**
 * One keep-alive connection that asks for one thing at a time, and knows of HTTP no more than
 * `Content-Length`. That makes it several times cheaper than a client for production, so that a
 * server on one core is measured and not what asks it.
 */
export class RawConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #head: Buffer | undefined;
  #missing = 0;
  #length = 0;
  #started = false;
  #kept: Buffer[] | undefined;
  #status = 0;
  #text = '';
  #done: ((error?: Error) => void) | undefined;

  constructor(port: number) {
    this.#host = `127.0.0.1:${port}`;
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      // One buffer for all reads: nothing is kept of a body unless it was asked for.
      onread: {
        buffer: Buffer.allocUnsafeSlow(256 * 1024),
        callback: (length, buffer) => {
          this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, length));
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#finish(error));
    this.#socket.on('close', () => this.#finish(new Error('The server closed the connection.')));
  }

  /** Asks for `path`; `done` is called when the answer has come to its end. */
  ask(path: string, done: (error?: Error) => void): void {
    this.#done = done;
    this.#started = false;
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n\r\n`, 'latin1');
  }

  /** Asks and keeps what comes. */
  get(path: string): Promise<Answer> {
    this.#kept = [];
    return new Promise((resolve, reject) => {
      this.ask(path, (error) => {
        const body = Buffer.concat(this.#kept ?? []);
        this.#kept = undefined;
        if (error) reject(error);
        else resolve({ status: this.#status, head: this.#text, body });
      });
    });
  }

  /** Of the last answer. */
  get status(): number {
    return this.#status;
  }

  /** Of the last answer, in bytes. */
  get bodyLength(): number {
    return this.#length;
  }

  /** Of the last answer: whether `Cache-Status` says that it came from the cache. */
  get wasHit(): boolean {
    return this.#text.includes('Tintype; hit');
  }

  close(): void {
    this.#done = undefined;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    let body = chunk;
    if (!this.#started) {
      const all = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk]);
      const end = all.indexOf(END_OF_HEADERS);
      if (end < 0) {
        this.#head = Buffer.from(all);
        return;
      }
      this.#head = undefined;
      this.#started = true;
      this.#text = all.toString('latin1', 0, end);
      this.#status = Number(this.#text.slice(9, 12));
      this.#length = contentLength(this.#text);
      this.#missing = this.#length;
      body = all.subarray(end + 4);
    }
    this.#kept?.push(Buffer.from(body));
    this.#missing -= body.length;
    if (this.#missing <= 0) this.#finish(this.#missing < 0 ? new Error('More came than was announced.') : undefined);
  }

  #finish(error?: Error): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error);
  }
}

/** @throws Error for an answer in chunks. */
function contentLength(head: string): number {
  const found = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (found === null) throw new Error(`There is no Content-Length in: ${head}`);
  return Number(found[1]);
}
