import { KeystoneAdmin } from './keystone-admin.ts';
import { type RunningServer, ServerError } from './server.ts';

/** An account of Swift, and a token for it. */
export interface SwiftAccount {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
}

/** Logs in to a server `swift` or `swift-keystone` without any library. */
export async function logInToSwift({ access }: RunningServer): Promise<SwiftAccount> {
  const { AUTH_URL = '', USERNAME = '', API_KEY = '', TENANT, REGION } = access;
  if (TENANT === undefined) {
    const { headers } = await fetch(AUTH_URL, { headers: { 'x-auth-user': USERNAME, 'x-auth-key': API_KEY } });
    return account(headers.get('x-storage-url'), headers.get('x-auth-token'));
  }
  const domain = { id: 'default' };
  const response = await fetch(`${AUTH_URL}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name: USERNAME, password: API_KEY, domain } } },
        scope: { project: { name: TENANT, domain } },
      },
    }),
  });
  const { token } = (await response.json()) as {
    token: { catalog: readonly { type: string; endpoints: readonly { region: string; url: string }[] }[] };
  };
  const endpoint = token.catalog
    .find(({ type }) => type === 'object-store')
    ?.endpoints.find(({ region }) => region === REGION);
  return account(endpoint?.url, response.headers.get('x-subject-token'));
}

/**
 * What of the access to a server `swift` or `swift-keystone` changes so that requests for objects go
 * through a proxy. Swift's own login names the address it was asked at, so it goes there too; Keystone's
 * catalogue names the proxy in a region of its own.
 */
export async function accessThrough(
  { access }: RunningServer,
  proxyUrl: string,
): Promise<{ readonly AUTH_URL: string } | { readonly REGION: string }> {
  const { AUTH_URL = '', ADMIN_USERNAME, ADMIN_API_KEY = '' } = access;
  const { pathname } = new URL(AUTH_URL);
  if (ADMIN_USERNAME === undefined) return { AUTH_URL: `${proxyUrl}${pathname}` };
  const REGION = `proxy-${new URL(proxyUrl).port}`;
  const admin = await KeystoneAdmin.logIn(AUTH_URL, ADMIN_USERNAME, ADMIN_API_KEY);
  await admin.objectStore(REGION, proxyUrl);
  return { REGION };
}

function account(url: string | null | undefined, token: string | null): SwiftAccount {
  if (!url || !token) throw new ServerError('Swift gives no token.');
  return { url, token };
}
