import { randomUUID } from 'node:crypto';
import { accessThrough, logInToSwift } from '@tintype-test/servers';
import { type Cloud, WRONG_PASSWORD } from './cloud.ts';

/** Containers of OpenStack Swift. */
export const swift: Cloud = {
  servers: ['swift', 'swift-keystone'],

  expired: { kind: 'status', status: 401, headers: { 'content-type': 'text/html' }, body: 'Unauthorized' },
  forbidden: { kind: 'status', status: 403, headers: { 'content-type': 'text/html' }, body: 'Forbidden' },

  async make(server, photograph) {
    const { url, token } = await logInToSwift(server);
    const answered = async (method: string, path: string, more: RequestInit = {}) => {
      const headers = { 'x-auth-token': token, ...more.headers };
      const response = await fetch(url + path, { method, ...more, headers });
      if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status}`);
      return response;
    };
    const ask = async (...request: Parameters<typeof answered>) => (await answered(...request)).text();
    const id = randomUUID();
    const [sources, cache] = [`sources-${id}`, `cache-${id}`];
    for (const container of [sources, cache]) await ask('PUT', `/${container}`);
    const key = '2026/rocket.jpg';
    await ask('PUT', `/${sources}/${key}`, {
      body: Uint8Array.from(photograph),
      headers: { 'content-type': 'image/jpeg', 'cache-control': 'max-age=600' },
    });
    const { AUTH_URL, USERNAME, API_KEY, TENANT } = server.access;
    const access = (prefix: string) => prefixed(prefix, { AUTH_URL, USERNAME, API_KEY, TENANT });
    return {
      sourceUrl: `swift://${sources}/${key}`,
      env: {
        TINTYPE_USE_SWIFT: 'true',
        TINTYPE_CACHE_USE: 'swift',
        TINTYPE_CACHE_BUCKET: cache,
        ...access('TINTYPE_SWIFT_'),
        ...access('TINTYPE_CACHE_SWIFT_'),
      },
      async cached() {
        return (await ask('GET', `/${cache}`)).split('\n').filter((key) => key !== '');
      },
      wrongPassword: async () => ({ TINTYPE_CACHE_SWIFT_API_KEY: WRONG_PASSWORD }),
      async expiresAt(key) {
        const { headers } = await answered('HEAD', `/${cache}/${key}`);
        return Number(headers.get('x-delete-at') ?? Number.NaN) * 1_000;
      },
      stranger: {
        TINTYPE_CACHE_SWIFT_USERNAME: server.access.OTHER_USERNAME ?? '',
        TINTYPE_CACHE_SWIFT_API_KEY: server.access.OTHER_API_KEY ?? '',
      },
      async through({ url }) {
        return prefixed('TINTYPE_CACHE_SWIFT_', await accessThrough(server, url));
      },
    };
  },
};

function prefixed(prefix: string, access: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(access).flatMap(([name, value]) => (value === undefined ? [] : [[prefix + name, value]])),
  );
}
