import type { Readable, Writable } from 'node:stream';

/** Which stream of the child the inputs come by, after standard input, output and error. */
export const INPUT_FD = 3;

/** Id of the job and length of its input, each of 32 bits, little-endian; then the input. */
const HEADER_BYTES = 8;

/**
 * Sends the input of a job by a pipe of its own. In a message of the child it would be copied into
 * another buffer of its size first, and each such buffer brings the next full garbage collection nearer:
 * they took more time than everything else that the serving process does for a miss.
 */
export function sendInput(pipe: Writable, id: number, input: Uint8Array): void {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32LE(id, 0);
  header.writeUInt32LE(input.length, 4);
  pipe.cork();
  pipe.write(header);
  pipe.write(input);
  pipe.uncork();
}

/**
 * Cuts what comes by the pipe into inputs again, each in a buffer of exactly its length.
 *
 * @param onInput gets each input when all of it has come. The buffer is its own.
 */
export function receiveInputs(pipe: Readable, onInput: (id: number, input: Uint8Array) => void): void {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  let inHeader = 0;
  let input: Buffer | undefined;
  let filled = 0;
  pipe.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length || (input !== undefined && filled === input.length); ) {
      if (input === undefined) {
        const taken = chunk.copy(header, inHeader, at, Math.min(chunk.length, at + HEADER_BYTES - inHeader));
        at += taken;
        inHeader += taken;
        if (inHeader === HEADER_BYTES) input = Buffer.allocUnsafeSlow(header.readUInt32LE(4));
      } else if (filled < input.length) {
        const taken = chunk.copy(input, filled, at);
        at += taken;
        filled += taken;
      } else {
        onInput(header.readUInt32LE(0), input);
        input = undefined;
        inHeader = 0;
        filled = 0;
      }
    }
  });
}
