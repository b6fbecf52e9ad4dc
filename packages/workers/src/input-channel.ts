import { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/** Which stream of the child the inputs come by, after standard input, output and error. */
export const INPUT_FD = 3;

/** Id of the job and length of its input, each of 32 bits, little-endian; then the input. */
const HEADER_BYTES = 8;

/** One read takes what a local socket holds at most, by default. */
const READ_BYTES = 256 * 1024;

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
 * Takes inputs from the pipe, read into the same memory again and again: what Node's stream hands out
 * is new memory each time, some sixteen times for a megabyte.
 *
 * @param onInput gets each input when all of it has come, in a buffer of its own.
 */
export function receiveInputs(fd: number, onInput: (id: number, input: Uint8Array) => void): void {
  const take = cutInputs(onInput);
  new Socket({
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback(bytes, buffer) {
        take(buffer.subarray(0, bytes));
        return true;
      },
    },
  });
}

/** Cuts what comes by the pipe, in whatever pieces, into inputs again. A piece is not kept. */
export function cutInputs(onInput: (id: number, input: Uint8Array) => void): (piece: Uint8Array) => void {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  let inHeader = 0;
  let input: Uint8Array | undefined;
  let filled = 0;
  return (piece) => {
    for (let at = 0; at < piece.length || (input !== undefined && filled === input.length); ) {
      if (input === undefined) {
        const taken = piece.subarray(at, at + HEADER_BYTES - inHeader);
        header.set(taken, inHeader);
        at += taken.length;
        inHeader += taken.length;
        if (inHeader === HEADER_BYTES) input = Buffer.allocUnsafeSlow(header.readUInt32LE(4));
      } else if (filled < input.length) {
        const taken = piece.subarray(at, at + input.length - filled);
        input.set(taken, filled);
        at += taken.length;
        filled += taken.length;
      } else {
        onInput(header.readUInt32LE(0), input);
        input = undefined;
        inHeader = 0;
        filled = 0;
      }
    }
  };
}
