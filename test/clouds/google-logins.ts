import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createProxy } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * The variables that lead a process to a stand-in of Google's logins, which takes nobody: the emulator
 * of the buckets looks at no credentials, and where a login is asked for is written into the SDK. So
 * the way there is a proxy, and its certificate is trusted by that process alone.
 *
 * @returns also the requests for a token, as they come.
 */
export async function refusingLogins(): Promise<{
  readonly env: Readonly<Record<string, string>>;
  readonly asked: readonly string[];
}> {
  const asked: string[] = [];
  const logins = createServer({ key: KEY, cert: CERTIFICATE }, (request, response) => {
    asked.push(`${request.method} https://${request.headers.host}${request.url}`);
    request.resume();
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end('{"error":"invalid_grant","error_description":"Invalid JWT Signature."}');
  });
  const loginsPort = await listening(logins);
  const proxy = createProxy();
  proxy.on('connect', (request, client) => {
    // Whatever else is asked for gets nowhere.
    if (request.url !== 'oauth2.googleapis.com:443') {
      client.destroy();
      return;
    }
    const server = connect(loginsPort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    for (const socket of [server, client]) socket.on('error', () => undefined);
  });
  const proxyPort = await listening(proxy);
  const folder = await mkdtemp(join(tmpdir(), 'tintype-logins-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const certificate = join(folder, 'certificate.pem');
  await writeFile(certificate, CERTIFICATE);
  return { env: { HTTPS_PROXY: `http://127.0.0.1:${proxyPort}`, NODE_EXTRA_CA_CERTS: certificate }, asked };
}

/** The key of a service account as Google gives it out, and with a private key that Google does not know. */
export function unknownAccount(keyId: string): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return JSON.stringify({
    type: 'service_account',
    project_id: 'a-project-of-tests',
    private_key_id: keyId,
    client_email: 'tester@a-project-of-tests.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  });
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** For oauth2.googleapis.com, signed by itself, valid for a hundred years; good for nothing else. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBvTCCAWWgAwIBAgIUZ6BevjmqQ/fsD9iWFHXsJKOwvXcwCgYIKoZIzj0EAwIw
IzEhMB8GA1UEAwwYR29vZ2xlJ3MgbG9naW5zIG9mIHRlc3RzMCAXDTI2MTEyMjEx
NDQxNVoYDzIxMjYxMDI5MTE0NDE1WjAjMSEwHwYDVQQDDBhHb29nbGUncyBsb2dp
bnMgb2YgdGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASDENlQhswYmB87
vDvVrmE9O7eIv0yEEw1k5W/RdjFUBorHaX0KJ5UC2/lwK/bHFWIFjVUQZZdtJzb1
DWTH6451o3UwczAdBgNVHQ4EFgQUD5b/3ZH3ocVoM4Cflczkb+H/79QwHwYDVR0j
BBgwFoAUD5b/3ZH3ocVoM4Cflczkb+H/79QwDwYDVR0TAQH/BAUwAwEB/zAgBgNV
HREEGTAXghVvYXV0aDIuZ29vZ2xlYXBpcy5jb20wCgYIKoZIzj0EAwIDRgAwQwIg
dZp/Ie8ZKb4XB7oLaHXW/NjFEiHwkhaSJ+Frn+et3ewCHwMU2+i12T+LsOw/k6O+
LI3ukQiGfD9H1Eef0yNJtrw=
-----END CERTIFICATE-----`;

const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfnK+YURALipRyo7n
Z2AiYGWkARDBMBKDQBlWlM9JPzihRANCAASDENlQhswYmB87vDvVrmE9O7eIv0yE
Ew1k5W/RdjFUBorHaX0KJ5UC2/lwK/bHFWIFjVUQZZdtJzb1DWTH6451
-----END PRIVATE KEY-----`;
