import {
  type ByteStream,
  type CacheStorage,
  type CheckResult,
  type ConfiguredProxy,
  type ImageProxy,
  type ProxyRequest,
  type ProxyResponse,
  passingBack,
} from '@tintype/core';

/**
 * The proxy in force behind a server, which may be replaced while requests go on: what has begun with
 * one is finished by it. Requests that come before it is open wait.
 */
export class CurrentProxy implements ImageProxy {
  #current: Reign;
  #isOpen = false;
  #opening: Promise<void> | undefined;
  readonly #retiring = new Set<Promise<void>>();

  constructor(proxy: ConfiguredProxy) {
    this.#current = new Reign(proxy);
  }

  get proxy(): ConfiguredProxy {
    return this.#current.proxy;
  }

  get storage(): CacheStorage | undefined {
    return this.proxy.storage;
  }

  /** What `/readyz` tells. A storage that could not be opened does not keep it from being ready. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): Promise<void> {
    this.#opening ??= this.proxy.open().then(() => {
      this.#isOpen = true;
    });
    return this.#opening;
  }

  takes(method: string, target: string): boolean {
    return this.proxy.takes?.(method, target) ?? false;
  }

  signedFrom(target: string): number {
    return this.proxy.signedFrom?.(target) ?? 0;
  }

  handle(request: ProxyRequest): Promise<ProxyResponse> {
    if (!this.#isOpen) return this.open().then(() => this.#current.handle(request));
    return this.#current.handle(request);
  }

  check(): Promise<readonly (CheckResult & { readonly part: string })[]> {
    return this.proxy.check();
  }

  sign(path: string): string {
    return this.proxy.sign(path);
  }

  /** Puts an open proxy in place of this one, which is closed when its last answer has gone. */
  replace(next: ConfiguredProxy): void {
    const before = this.#current;
    this.#current = new Reign(next);
    const retired = before
      .over()
      .then(() => before.proxy.close())
      .catch(() => undefined)
      .finally(() => this.#retiring.delete(retired));
    this.#retiring.add(retired);
  }

  /** Closes it, and waits for those before it. */
  async close(): Promise<void> {
    const closing = this.proxy.close();
    await Promise.allSettled([closing, ...this.#retiring]);
    await closing;
  }
}

/** A proxy and how many of its answers are not sent yet. */
class Reign {
  readonly proxy: ConfiguredProxy;
  #unsent = 0;
  #over: (() => void) | undefined;

  constructor(proxy: ConfiguredProxy) {
    this.proxy = proxy;
  }

  async handle(request: ProxyRequest): Promise<ProxyResponse> {
    this.#unsent += 1;
    let response: ProxyResponse | undefined;
    try {
      response = await this.proxy.handle(request);
    } finally {
      if (response === undefined || !isStream(response.body)) this.#sent();
    }
    const { body } = response;
    return isStream(body) ? { ...response, body: this.#untilSent(body) } : response;
  }

  /** Resolves when nothing of it is left. Nothing new may come. */
  over(): Promise<void> {
    return new Promise((resolve) => {
      this.#over = resolve;
      if (this.#unsent === 0) resolve();
    });
  }

  /**
   * A stream must not lose its storage on the way. No generator: one that never began skips its
   * `finally`, and a client that leaves early would keep the proxy, and what feeds the stream, for ever.
   */
  #untilSent(body: ByteStream): ByteStream {
    let chunks: AsyncIterator<Uint8Array> | undefined;
    let ended = false;
    const end = (): void => {
      if (!ended) this.#sent();
      ended = true;
    };
    const begun = (): AsyncIterator<Uint8Array> => {
      chunks ??= body[Symbol.asyncIterator]();
      return chunks;
    };
    const iterator: AsyncIterator<Uint8Array> = {
      async next() {
        try {
          const step = await begun().next();
          if (step.done === true) end();
          return step;
        } catch (error) {
          end();
          throw error;
        }
      },
      async return() {
        try {
          await begun().return?.();
        } finally {
          end();
        }
        return { done: true, value: undefined };
      },
    };
    return passingBack({ [Symbol.asyncIterator]: () => iterator }, () => body);
  }

  #sent(): void {
    this.#unsent -= 1;
    if (this.#unsent === 0) this.#over?.();
  }
}

function isStream(body: ProxyResponse['body']): body is ByteStream {
  return body !== undefined && !(body instanceof Uint8Array);
}
