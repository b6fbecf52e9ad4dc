import { createServer, get } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type SettingsInput, sectionsOf } from '@tintype/core';
import { createLogger } from '@tintype/server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { builtInPlugins } from '../built-in-plugins.ts';
import { ServingProcess } from './serving-process.ts';

/** An origin that is asked in vain, or whose answer is longer than what sockets hold. */
async function origin(): Promise<string> {
  const server = createServer((request, response) => {
    if (request.method === 'GET') response.end(Buffer.alloc(24 * 1024 * 1024));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A process that serves with these settings, in this one. */
async function serving(flags: Record<string, string>) {
  const waiting = new Set<() => void>();
  const lines: string[] = [];
  const write = (line: string) => {
    lines.push(line);
    for (const wake of waiting) wake();
  };
  const input: SettingsInput = {
    env: {},
    flags: { BIND: '127.0.0.1:0', TRANSFORM_PROCESSES: '0', ...flags },
    file: {
      name: 'tintype.config.ts',
      settings: {},
      endpoints: [{ path: '/', origins: [await origin()], methods: '*' }],
    },
  };
  const process = new ServingProcess({
    plugins: builtInPlugins,
    transformingModules: [],
    sections: await sectionsOf(builtInPlugins),
    input,
    place: { index: 0, of: 1 },
    logger: createLogger({ level: 'info', format: 'json', destination: { write } }),
    droppedLines: () => 0,
    listenFirst: true,
  });
  let address = '';
  await process.start(async (started) => {
    address = started.address;
  });
  onTestFinished(async () => void (await process.stop(0)));
  return {
    address,
    port: Number(new URL(address).port),
    async logged(pattern: RegExp) {
      while (!lines.some((line) => pattern.test(line))) await new Promise<void>((resolve) => waiting.add(resolve));
    },
  };
}

/** Sends bytes and returns what comes until the server hangs up. */
function talk(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => {
      received += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(received));
  });
}

describe('the settings are those of the server:', () => {
  test('how long an idle connection is kept', async () => {
    const { address } = await serving({ KEEP_ALIVE_TIMEOUT: '77', GRACEFUL_STOP_TIMEOUT: '1' });
    const keepAlive = await new Promise((resolve) => {
      get(`${address}/livez`, { headers: { connection: 'keep-alive' } }, (response) => {
        response.resume().on('end', () => resolve(response.headers['keep-alive']));
      });
    });
    expect(keepAlive).toBe('timeout=77');
  });

  test.each([
    ['its header', 'GET /a HTTP/1.1\r\nhost: x\r\n'],
    ['its body, which goes on as it comes', 'POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nx'],
  ])('how long a request may take to arrive: %s', async (_what, text) => {
    const { port } = await serving({ READ_REQUEST_TIMEOUT: '0.3', GRACEFUL_STOP_TIMEOUT: '1' });
    expect(await talk(port, text)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('how long a client may take nothing of an answer', async () => {
    const { port, logged } = await serving({ WRITE_RESPONSE_TIMEOUT: '0.3', GRACEFUL_STOP_TIMEOUT: '1' });
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /a HTTP/1.1\r\nhost: x\r\n\r\n'));
    onTestFinished(() => void socket.destroy());
    socket.pause().on('error', () => {});
    await logged(/"problem":"client-stalled"/);
  });
});
