import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { DiagnosticsChannel } from 'undici';

/** What a connection has carried when its latest request went out. */
interface Use {
  requests: number;
  bytesRead: number;
}

const uses = new WeakMap<Socket, Use>();
const closedUnanswered = new WeakSet<Error>();
let isWatching = false;

/**
 * Has `closedUnderRequest` know of this connection. undici tells which connection a request goes out on by its
 * diagnostics channel alone, and its errors name none.
 */
export function watchUse(socket: Socket): void {
  if (!isWatching) subscribe('undici:client:sendHeaders', onSendHeaders);
  isWatching = true;
  const use: Use = { requests: 0, bytesRead: 0 };
  uses.set(socket, use);
  socket.on('error', (error) => {
    if (use.requests > 1 && socket.bytesRead === use.bytesRead) closedUnanswered.add(error);
  });
}

/**
 * Whether a request failed because its server closed the connection, which had been used before, without a byte of
 * an answer: as a rule it did so before the request reached it. RFC 9112 §9.3.1, §9.5.
 */
export function closedUnderRequest(error: unknown): boolean {
  return error instanceof Error && closedUnanswered.has(error) && 'code' in error && CLOSED.has(error.code);
}

const CLOSED: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** The channel has the requests of everyone in the process who uses undici. */
function onSendHeaders(message: unknown): void {
  const { socket } = message as DiagnosticsChannel.ClientSendHeadersMessage;
  const use = uses.get(socket);
  if (use === undefined) return;
  use.requests++;
  use.bytesRead = socket.bytesRead;
}
