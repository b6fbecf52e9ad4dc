import { randomUUID } from 'node:crypto';
import { logInToSwift } from '@tintype-test/servers';
import type { Cloud } from './cloud.ts';

/** Containers of OpenStack Swift. */
export const swift: Cloud = {
  servers: ['swift', 'swift-keystone'],

  async make(server, photograph) {
    const { url, token } = await logInToSwift(server);
    const ask = async (method: string, path: string, more: RequestInit = {}) => {
      const headers = { 'x-auth-token': token, ...more.headers };
      const response = await fetch(url + path, { method, ...more, headers });
      if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status}`);
      return response.text();
    };
    const id = randomUUID();
    const [sources, cache] = [`sources-${id}`, `cache-${id}`];
    for (const container of [sources, cache]) await ask('PUT', `/${container}`);
    const key = '2026/rocket.jpg';
    await ask('PUT', `/${sources}/${key}`, {
      body: Uint8Array.from(photograph),
      headers: { 'content-type': 'image/jpeg', 'cache-control': 'max-age=600' },
    });
    const access = (prefix: string) =>
      Object.fromEntries(
        ['AUTH_URL', 'USERNAME', 'API_KEY', 'TENANT'].flatMap((name) => {
          const value = server.access[name];
          return value === undefined ? [] : [[prefix + name, value]];
        }),
      );
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
    };
  },
};
