import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestSink } from './request-log.ts';
import { CONTENT_SECURITY_POLICY } from './security-headers.ts';

const ANSWERS: Readonly<Record<string, readonly [status: number, sentence: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The request line and headers are too long.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions are too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
};

/** Answers what is no HTTP request, and what does not arrive in time, in one sentence, and hangs up. */
export function answerMalformed(server: Server, log: RequestSink | undefined): void {
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket & { _httpMessage?: { headersSent: boolean } | null };
    const code = error.code ?? 'unknown';
    // Gone, or in the middle of an answer: text would be taken for a part of it.
    if (!socket.writable || code === 'ECONNRESET' || socket._httpMessage?.headersSent === true) {
      socket.destroy();
      return;
    }
    const [status, sentence] = ANSWERS[code] ?? [400, 'This is not a well-formed HTTP request.'];
    log?.malformed(status, code);
    const body = `${sentence}\n`;
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
        `content-length: ${body.length}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n` +
        `content-security-policy: ${CONTENT_SECURITY_POLICY}\r\nconnection: close\r\n\r\n${body}`,
    );
    socket.destroySoon();
  });
}
