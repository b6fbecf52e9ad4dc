import type { IncomingMessage, ServerResponse } from 'node:http';
import { serverForTest } from '@tintype-test/servers';
import { service } from '@tintype-test/servers/scripted-service';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { accessTo, optionsFor } from '../test/harness.ts';
import { logsIn } from '../test/service.ts';
import { toStorageError } from './errors.ts';
import { type Login, logIn } from './login.ts';
import { credentialsOf, type SwiftOptions } from './options.ts';

function login(options: Partial<SwiftOptions>, signal = new AbortController().signal): Promise<Login> {
  return logIn(credentialsOf(optionsFor(options), 'X_'), signal, Date.now);
}

/** An identity service, and what was sent to it. */
async function identityService(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const bodies: string[] = [];
  const { endpoint, requests } = await service((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.push(body);
      answer(request, response);
    });
  });
  return { endpoint, requests, bodies };
}

function json(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

const v3 = (regions: readonly string[], expires_at = '2030-01-01T00:00:00.000000Z') => ({
  token: {
    expires_at,
    issued_at: '2026-01-01T00:00:00.000000Z',
    project: { id: 'p1', name: 'photos' },
    catalog: [
      { type: 'compute', name: 'nova', endpoints: [{ interface: 'public', region: 'North', url: 'http://n/' }] },
      {
        type: 'object-store',
        name: 'swift',
        endpoints: regions.flatMap((region) => [
          { interface: 'admin', region, url: `http://admin.${region}/v1` },
          { interface: 'public', region, url: `http://swift.${region}/v1/AUTH_p1/` },
        ]),
      },
    ],
  },
});

describe('version 1', () => {
  test('asks at exactly the address that is given, and sends the password once', async () => {
    const { endpoint, requests, bodies } = await identityService((_request, response) => {
      response.writeHead(204, { 'x-auth-token': 't', 'x-storage-url': 'http://swift/v1/AUTH_a/' }).end();
    });
    const got = await login({ authUrl: `${endpoint}/somewhere/v1.0`, username: 'a:u', apiKey: 'secret' });
    expect(got).toEqual({ token: 't', storageUrl: 'http://swift/v1/AUTH_a', expiresAt: Number.POSITIVE_INFINITY });
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /somewhere/v1.0']);
    expect(requests[0]?.headers).toMatchObject({ 'x-auth-user': 'a:u', 'x-auth-key': 'secret' });
    expect(bodies).toEqual(['']);
  });

  test('knows when the token ends', async () => {
    const { endpoint } = await service(logsIn);
    const before = Date.now();
    const { expiresAt } = await login({ authUrl: `${endpoint}/auth/v1.0` });
    expect(expiresAt - 3_600_000).toBeGreaterThanOrEqual(before);
    expect(expiresAt - 3_600_000).toBeLessThanOrEqual(Date.now());
  });

  test('does not take the password elsewhere when it is redirected', async () => {
    const elsewhere = await service(logsIn);
    const { endpoint } = await service((_request, response) => {
      response.writeHead(302, { location: `${elsewhere.endpoint}/auth/v1.0` }).end();
    });
    await expect(login({ authUrl: `${endpoint}/auth/v1.0` })).rejects.toMatchObject({ trouble: { status: 302 } });
    expect(elsewhere.requests).toHaveLength(0);
  });
});

describe('version 2', () => {
  test('logs in to the project and finds the object store of the region', async () => {
    const { endpoint, requests, bodies } = await identityService((_request, response) =>
      json(response, 200, {
        access: {
          token: { id: 't', expires: '2030-01-01T00:00:00Z', tenant: { id: 'p1' } },
          user: {},
          serviceCatalog: [
            {
              type: 'object-store',
              name: 'swift',
              endpoints: [
                { region: 'North', publicURL: 'http://north/v1/AUTH_p1' },
                { region: 'South', publicURL: 'http://south/v1/AUTH_p1' },
              ],
            },
          ],
        },
      }),
    );
    const got = await login({ authUrl: `${endpoint}/v2.0/`, tenant: 'photos', region: 'South', username: 'u' });
    expect(got).toEqual({ token: 't', storageUrl: 'http://south/v1/AUTH_p1', expiresAt: Date.UTC(2030, 0) });
    expect(requests.map(({ url }) => url)).toEqual(['/v2.0/tokens']);
    expect(JSON.parse(bodies[0] ?? '')).toMatchObject({
      auth: { passwordCredentials: { username: 'u' }, tenantName: 'photos' },
    });
  });
});

describe('version 3', () => {
  const answering = (regions: readonly string[]) =>
    identityService((_request, response) => json(response, 201, v3(regions), { 'x-subject-token': 't' }));

  test.each(['/v3', '/v3/', '/identity/v3', '/v3/auth/tokens'])('is found at %s', async (path) => {
    const { endpoint, requests } = await answering(['North']);
    const got = await login({ authUrl: endpoint + path, tenant: 'photos' });
    expect(got).toEqual({ token: 't', storageUrl: 'http://swift.North/v1/AUTH_p1', expiresAt: Date.UTC(2030, 0) });
    expect(requests.map(({ url }) => url)).toEqual([
      path.startsWith('/identity') ? '/identity/v3/auth/tokens' : '/v3/auth/tokens',
    ]);
  });

  test('names the domain of user and project: the default one by id, another by name', async () => {
    for (const [domain, expected] of [
      [undefined, { id: 'default' }],
      ['Pictures', { name: 'Pictures' }],
    ] as const) {
      const { endpoint, bodies } = await answering(['North']);
      await login({ authUrl: `${endpoint}/v3`, tenant: 'photos', domain });
      expect(JSON.parse(bodies[0] ?? '')).toMatchObject({
        auth: {
          identity: { password: { user: { name: 'test:nobody', domain: expected } } },
          scope: { project: { name: 'photos', domain: expected } },
        },
      });
    }
  });

  test('asks for no project where none is given: the user has a default one', async () => {
    const { endpoint, bodies } = await answering(['North']);
    await login({ authUrl: `${endpoint}/v3` });
    expect(JSON.parse(bodies[0] ?? '').auth.scope).toBeUndefined();
  });

  test('takes the first region unless one is given, and names those that there are if it is none', async () => {
    const { endpoint } = await answering(['North', 'South']);
    const authUrl = `${endpoint}/v3`;
    expect((await login({ authUrl })).storageUrl).toBe('http://swift.North/v1/AUTH_p1');
    expect((await login({ authUrl, region: 'South' })).storageUrl).toBe('http://swift.South/v1/AUTH_p1');
    const error = await login({ authUrl, region: 'West' }).catch((reason) => reason);
    expect(toStorageError(error, { bucket: 'c', write: false })).toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('no object store in the region West; it names North, South'),
    });
  });
});

describe('a login that fails has a code and a sentence', () => {
  test.each([
    [401, 'access-denied', 'USERNAME and API_KEY'],
    [403, 'access-denied', 'may not log in'],
    [400, 'misconfigured', 'TENANT and DOMAIN'],
    [404, 'misconfigured', 'check AUTH_URL'],
    [300, 'misconfigured', 'check AUTH_URL'],
    [200, 'misconfigured', 'check AUTH_URL'],
    [429, 'rate-limited', 'fewer logins'],
    [500, 'unavailable', 'identity service failed'],
    // pkgcloud takes the following for successes, or fails of reading them.
    [502, 'unavailable', 'identity service failed'],
    [503, 'rate-limited', 'identity service failed'],
    [504, 'timeout', 'did not answer in time'],
  ])('%i', async (status, code, words) => {
    const headers = status === 503 ? { 'retry-after': '3' } : {};
    for (const path of ['/auth/v1.0', '/v3']) {
      const { endpoint } = await service((_request, response) => response.writeHead(status, headers).end('<html>'));
      const error = await login({ authUrl: endpoint + path, apiKey: 'wrong-secret' }).catch((reason) => reason);
      const failure = toStorageError(error, { bucket: 'photos', write: true });
      expect(failure).toMatchObject({ code, applied: 'no', message: expect.stringContaining(words) });
      if (status === 503) expect(failure).toMatchObject({ retryAfterMs: 3_000 });
      const { inspect } = await import('node:util');
      expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain('wrong-secret');
    }
  });

  test('a service that says nothing is left as soon as nobody waits any more, with its connection', async () => {
    const { endpoint, requests } = await service(() => undefined);
    const controller = new AbortController();
    const waiting = login({ authUrl: `${endpoint}/v3` }, controller.signal);
    await expect.poll(() => requests.length).toBe(1);
    const gone = new Promise((resolve) => requests[0]?.socket.once('close', resolve));
    const reason = new Error('gave up');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await gone;
  });

  test('proxies of the environment are for neither the login nor what follows', async () => {
    const { endpoint } = await service(logsIn);
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:9');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    expect((await login({ authUrl: `${endpoint}/auth/v1.0` })).token).toBe('a-token');
  });
});

for (const name of ['swift', 'swift-keystone']) {
  const { server, missing } = await serverForTest(name);
  describe(`on ${name}`, () => {
    afterAll(() => server?.stop());

    test('a login gives a token that works and when it ends', async ({ skip }) => {
      if (server === undefined) return skip(missing);
      const { token, storageUrl, expiresAt } = await login(accessTo(server));
      expect(expiresAt).toBeGreaterThan(Date.now() + 60_000);
      expect(expiresAt).toBeLessThan(Date.now() + 7 * 86_400_000);
      const response = await fetch(`${storageUrl}?format=json`, { headers: { 'x-auth-token': token } });
      expect([response.status, new URL(storageUrl).origin]).toEqual([200, server.endpoint]);
    });

    test('a wrong password is not accepted', async ({ skip }) => {
      if (server === undefined) return skip(missing);
      const wrong = login({ ...accessTo(server), apiKey: 'wrong' });
      await expect(wrong).rejects.toMatchObject({ trouble: { status: 401 } });
    });

    test('a domain is named as people call it', async ({ skip }) => {
      if (server === undefined) return skip(missing);
      if (name === 'swift') return skip('does not apply: version 1 knows no domains');
      await expect(login({ ...accessTo(server), domain: 'Default' })).resolves.toMatchObject({
        token: expect.any(String),
      });
      await expect(login({ ...accessTo(server), domain: 'default2' })).rejects.toMatchObject({
        trouble: { status: 401 },
      });
    });
  });
}
