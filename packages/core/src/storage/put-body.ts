import { passingBack } from '../bodies.ts';
import type { ByteStream } from '../contracts/body.ts';
import type { BodySource, PutInput } from '../contracts/storage.ts';
import type { PutBody } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';
import type { OperationScope } from './operation-scope.ts';

function isSource(input: ByteStream | BodySource): input is BodySource {
  return 'open' in input && typeof input.open === 'function';
}

/**
 * What the caller gave to `put`, in the one form that adapters know. It remembers an error of the
 * caller's own stream, because that error must come out of `put` unchanged, whatever the adapter
 * made of it.
 */
export class NormalisedBody implements PutBody {
  readonly bytes: Uint8Array | undefined;
  readonly size: number | undefined;
  readonly replayable: boolean;
  readonly #input: PutInput;
  readonly #scope: OperationScope;
  readonly #maxBytes: number;
  #opened = false;
  #failure: { readonly error: unknown } | undefined;

  /**
   * @param maxBytes what the storage takes; more is `too-large`, also where the length was unknown.
   * @throws StorageError where that is clear already.
   */
  constructor(input: PutInput, declaredSize: number | undefined, maxBytes: number, scope: OperationScope) {
    this.#input = input;
    this.#maxBytes = maxBytes;
    this.#scope = scope;
    if (input instanceof Uint8Array) {
      this.bytes = input;
      this.size = input.length;
      this.replayable = true;
      if (declaredSize !== undefined && declaredSize !== input.length) throw lengthError(declaredSize, input.length);
    } else {
      this.bytes = undefined;
      this.replayable = isSource(input);
      this.size = isSource(input) ? input.size : declaredSize;
    }
    if (this.size !== undefined && this.size > maxBytes) throw tooLarge(this.size, maxBytes);
  }

  /** Why the caller's own stream failed, if it did. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Whether the next attempt would read the body from its start. */
  get canReplay(): boolean {
    return this.replayable || !this.#opened;
  }

  /** Forgets what the last attempt saw. */
  rewind(): void {
    this.#failure = undefined;
  }

  stream(): ByteStream {
    let source: ByteStream | undefined;
    const chunks = this.#read((opened) => {
      source = opened;
    });
    return passingBack(chunks, () => source);
  }

  async *#read(onOpen: (stream: ByteStream) => void): AsyncGenerator<Uint8Array, void> {
    const scope = this.#scope;
    if (this.bytes !== undefined) {
      scope.throwIfEnded();
      if (this.bytes.length > 0) yield this.bytes;
      return;
    }
    if (!this.canReplay) throw this.#fail(new Error('This body can be read only once.'));
    this.#opened = true;
    const source = this.#input as ByteStream | BodySource;
    let sent = 0;
    try {
      const stream = isSource(source) ? source.open() : source;
      onOpen(stream);
      for await (const chunk of stream) {
        scope.throwIfEnded();
        scope.progress();
        sent += chunk.length;
        if (this.size !== undefined && sent > this.size) throw lengthError(this.size, sent);
        if (sent > this.#maxBytes) throw tooLarge(sent, this.#maxBytes);
        if (chunk.length > 0) yield chunk;
      }
      scope.throwIfEnded();
      if (this.size !== undefined && sent < this.size) throw lengthError(this.size, sent);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown): unknown {
    this.#failure ??= { error };
    return error;
  }
}

function lengthError(declared: number, had: number): StorageError {
  return new StorageError({
    code: 'invalid-argument',
    message: `The body was declared with ${declared} bytes and has ${had > declared ? `at least ${had}` : had}.`,
  });
}

function tooLarge(had: number, taken: number): StorageError {
  return new StorageError({
    code: 'too-large',
    message: `The entry has ${had} bytes or more; this storage takes ${taken}.`,
  });
}
