import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, failure, httpServer, listen, openOrigin } from './servers.fixture.ts';

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const available = hasOpenssl();
const skip = available ? '' : ' (skipped: there is no openssl to make a certificate with)';
let folder = '';
let key: Buffer;
let cert: Buffer;

beforeAll(() => {
  if (!available) return;
  folder = mkdtempSync(join(tmpdir(), 'tintype-http-'));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, ...files], { stdio: 'ignore' });
  [key, cert] = [readFileSync(keyFile), readFileSync(certFile)];
});

afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true });
});

test.skipIf(!available)(`a certificate that nobody vouches for is refused${skip}`, async () => {
  let requests = 0;
  const server = await listen(
    createServer({ key, cert }, (_request, response) => {
      requests++;
      response.end('image');
    }),
    'https',
  );
  const error = await failure(ask(await openOrigin(), server.url));
  expect([error.code, error.message]).toEqual(['unavailable', 'The TLS certificate of the source is not trusted.']);
  expect(requests).toBe(0);
});

test.skipIf(!available)(`IGNORE_SSL_VERIFICATION accepts it, over HTTP/1.1${skip}`, async () => {
  const protocols: (string | false | null)[] = [];
  const secure = createServer({ key, cert, ALPNProtocols: ['h2', 'http/1.1'] }, (_request, response) => {
    response.end('image');
  });
  secure.on('secureConnection', (socket) => protocols.push(socket.alpnProtocol));
  const server = await listen(secure, 'https');
  const origin = await openOrigin({ options: { ignoreSslVerification: true } });
  const response = await ask(origin, server.url);
  expect(Buffer.from(await response.body.bytes()).toString()).toBe('image');
  expect(protocols).toEqual(['http/1.1']);
});

test.skipIf(!available)(`a redirect from https to http is followed without credentials${skip}`, async () => {
  const heard: (string | undefined)[] = [];
  const plain = await httpServer((request, response) => {
    heard.push(request.headers.authorization);
    response.end('image');
  });
  const server = await listen(
    createServer({ key, cert }, (_request, response) => response.writeHead(302, { location: plain.url }).end()),
    'https',
  );
  const origin = await openOrigin({ options: { ignoreSslVerification: true } });
  const response = await ask(origin, server.url.replace('//', '//alice:secret@'));
  expect(response.finalUrl).toBe(`${plain.url}/`);
  expect(heard).toEqual([undefined]);
  await response.body.discard();
});

test('plain HTTP where TLS is expected is unavailable', async () => {
  const server = await httpServer((_request, response) => response.end('image'));
  expect((await failure(ask(await openOrigin(), server.url.replace('http', 'https')))).code).toBe('unavailable');
});

test.skipIf(!available)(
  `a kept TLS connection that is closed under a request costs nothing either${skip}`,
  async () => {
    const heard = new Map<object, number>();
    const server = await listen(
      createServer({ key, cert, keepAliveTimeout: 600_000 }, ({ socket }, response) => {
        const onConnection = (heard.get(socket) ?? 0) + 1;
        heard.set(socket, onConnection);
        if (onConnection === 1) response.end('image');
        else socket.destroy();
      }),
      'https',
    );
    const origin = await openOrigin({ options: { ignoreSslVerification: true } });
    for (let turn = 0; turn < 2; turn++) {
      const response = await ask(origin, server.url);
      expect(Buffer.from(await response.body.bytes()).toString()).toBe('image');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([...heard.values()]).toEqual([2, 1]);
  },
);
