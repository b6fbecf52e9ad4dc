import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { PurgeAnnouncement } from '@tintype/core';
import { listen } from '@tintype/server';

/** Longest text of a request, in bytes: a URL and some words. */
const MAX_BYTES = 64 * 1024;

const SCOPES: readonly PurgeAnnouncement['scope'][] = ['source', 'key', 'tag', 'all'];

export interface ControlOptions {
  /** Where the socket file is. */
  readonly path: string;
  /** Tells the serving processes. */
  readonly hear: (purge: PurgeAnnouncement) => Promise<void>;
  readonly clock?: () => number;
}

export interface RunningControl {
  close(): Promise<void>;
}

/**
 * Listens for commands on a socket file, which only its owner may write to: `POST /purge` with `{"scope", "value"}`
 * as JSON is answered once all serving processes have heard of it. The time is that of its arrival here.
 */
export async function startControl({ path, hear, clock = Date.now }: ControlOptions): Promise<RunningControl> {
  const server = createServer((request, response) => {
    answer(request, hear, clock).then(
      () => send(response, 200, { ok: true }),
      (error: unknown) => {
        const { status, message } =
          error instanceof Refusal ? error : { status: 500, message: 'The serving processes could not be told.' };
        send(response, status, { ok: false, problem: message });
      },
    );
  });
  await listen(server, { kind: 'unix', path }, 'TINTYPE_CONTROL_SOCKET');
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  try {
    await chmod(path, 0o600);
  } catch (error) {
    // Whoever may reach it could purge, and it would keep this process from its end.
    await close();
    throw error;
  }
  return { close };
}

/** A request that is not as it must be. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function answer(request: IncomingMessage, hear: ControlOptions['hear'], clock: () => number): Promise<void> {
  if (request.url !== '/purge') throw new Refusal(404, 'There is nothing here but /purge.');
  if (request.method !== 'POST') throw new Refusal(405, 'Only POST is answered here.');
  const { scope, value } = await asked(request);
  await hear({ scope, value, at: clock() });
}

async function asked(request: IncomingMessage): Promise<Omit<PurgeAnnouncement, 'at'>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Refusal(413, `A purge is told in at most ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  const { scope, value = '' } = parsed(Buffer.concat(chunks).toString('utf8'));
  const known = SCOPES.find((one) => one === scope);
  if (known === undefined || typeof value !== 'string' || (known !== 'all' && value === '')) {
    throw new Refusal(
      400,
      'Expected a scope and its value, as in {"scope":"source","value":"https://example.com/a.jpg"}.',
    );
  }
  return { scope: known, value: known === 'all' ? '' : value };
}

function parsed(text: string): { readonly scope?: unknown; readonly value?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(body)}\n`);
}
