import { type Body, type ByteStream, passingBack } from '@tintype/core';
import { RequirementBroken } from '../engine/outcome.ts';
import { turn } from '../engine/waiting.ts';

/** Bytes beyond the declared size after which a body counts as one without end. */
const BEYOND = 64 * 1024 * 1024;
/** Chunks after which timers get their turn, also if the adapter never waits. */
const CHUNKS_PER_TURN = 64;

/**
 * The same body, except that its stream cannot keep the suite for ever: it lets timers run, and breaks
 * off far beyond `size`.
 */
export function boundedBody(body: Body, size: number, what: string): Body {
  return {
    get buffered() {
      return body.buffered;
    },
    expendable: body.expendable === true,
    bytes: () => body.bytes(),
    discard: () => body.discard(),
    stream: () => boundedStream(body.stream(), size, what),
  };
}

function boundedStream(stream: ByteStream, size: number, what: string): ByteStream {
  const chunks: ByteStream = {
    [Symbol.asyncIterator]() {
      const iterator = stream[Symbol.asyncIterator]();
      let length = 0;
      let chunks = 0;
      return {
        async next() {
          const step = await iterator.next();
          if (step.done) return step;
          length += step.value.length;
          if (length > size + BEYOND) {
            throw new RequirementBroken(`The body of ${what} went on after ${length} bytes; ${size} are declared.`);
          }
          if (++chunks % CHUNKS_PER_TURN === 0) await turn();
          return step;
        },
        async return(value: unknown) {
          return (await iterator.return?.(value)) ?? { done: true, value };
        },
      };
    },
  };
  return passingBack(chunks, () => stream);
}
