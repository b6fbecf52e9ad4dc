import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { IdentityOptions, Identity as PkgcloudIdentity } from 'pkgcloud/lib/pkgcloud/openstack/context/index.js';
import { LoginError } from './errors.ts';
import type { Credentials } from './options.ts';

/** What a login gives: how to sign requests, and where to send them. */
export interface Login {
  readonly token: string;
  /** The account's URL, without a slash at its end: `https://swift.example.com/v1/AUTH_1234`. */
  readonly storageUrl: string;
  /** When the token ends, in milliseconds since the epoch; `Infinity` where nobody says. */
  readonly expiresAt: number;
}

/** What pkgcloud is about to send; it hands it out, to be logged, just before it does. */
interface Outgoing {
  uri: string;
  json?: unknown;
  agent?: HttpAgent;
  proxy?: null;
  followRedirect?: boolean;
}

/** What it has got, handed out in the same way. */
interface Answered {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/**
 * Logs in once, by pkgcloud. Its options know neither time-outs nor an abort, it follows redirects
 * with the password at hand, takes any answer of version 1 for a success and forgets when that
 * token ends: so its request gets an agent of ours, which is destroyed when `signal` says so, and
 * its answer is looked at as well.
 *
 * @throws LoginError; the signal's reason.
 */
export async function logIn(credentials: Credentials, signal: AbortSignal, now: () => number): Promise<Login> {
  const { default: pkgcloud } = await import('pkgcloud/lib/pkgcloud/openstack/context/index.js');
  signal.throwIfAborted();
  const identity: PkgcloudIdentity = new pkgcloud.Identity(identityOptions(credentials));
  const agent = credentials.authUrl.startsWith('https:') ? new HttpsAgent() : new HttpAgent();
  let answered: Answered | undefined;
  identity.on('log::trace', (message, about) => {
    if (message === 'Sending client authorization request') {
      const outgoing = about as Outgoing;
      outgoing.agent = agent;
      outgoing.followRedirect = false;
      // Transfers go straight as well, whatever HTTP_PROXY says.
      outgoing.proxy = null;
      if (credentials.authVersion === 1) {
        outgoing.uri = credentials.authUrl;
        // A GET with a body, and the password in it once more.
        delete outgoing.json;
      }
    } else if (message === 'Provider Authentication Response') answered = about as Answered;
  });
  const since = now();
  await new Promise<void>((resolve, reject) => {
    const giveUp = () => {
      reject(signal.reason);
      agent.destroy();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    identity.authorize((error) => {
      signal.removeEventListener('abort', giveUp);
      agent.destroy();
      // What has a status is judged by it, below.
      if (error === undefined || error === null || answered !== undefined || statusOf(error) !== undefined) resolve();
      else reject(new LoginError({ error }));
      answered ??= { statusCode: statusOf(error) ?? 0, headers: headersOf(error) };
    });
  });
  const { statusCode = 0, headers = {} } = answered ?? {};
  const token = identity.token?.id;
  if (statusCode < 200 || statusCode > 299 || token === undefined) {
    throw new LoginError({
      status: statusCode,
      retryAfter: headers['retry-after'],
      version: credentials.authVersion,
    });
  }
  return { token, storageUrl: endpointOf(identity, credentials), expiresAt: expiryOf(identity, headers, since) };
}

function identityOptions({ username, apiKey, authUrl, authVersion, tenant, domain }: Credentials): IdentityOptions {
  const common = {
    version: authVersion,
    username,
    password: apiKey,
    strictSSL: true,
    useServiceCatalog: authVersion !== 1,
    ...(tenant !== undefined && authVersion !== 1 && { tenantName: tenant }),
  } as const;
  // Vendors name the service with its version, and sometimes with the last part of the path.
  const [, base = authUrl, named] = /^(.*?)(\/v[0-9.]+)?(?:\/auth)?(?:\/tokens)?\/*$/i.exec(authUrl) ?? [];
  switch (authVersion) {
    case 1:
      return { ...common, url: authUrl, basePath: '', keystoneAuthVersion: 'v2.0' };
    case 2:
      return { ...common, url: base, basePath: `${named ?? '/v2.0'}/tokens`, keystoneAuthVersion: 'v2.0' };
    case 3: {
      const domains =
        domain === undefined
          ? { domainId: 'default', projectDomainId: 'default' }
          : { domainName: domain, projectDomainName: domain };
      // Without a project the domain alone would become the scope, and it has no object store.
      const { projectDomainId: _id, projectDomainName: _name, ...ofUser }: Partial<Record<string, string>> = domains;
      return {
        ...common,
        ...(tenant === undefined ? ofUser : domains),
        url: base,
        basePath: `${named ?? '/v3'}/auth/tokens`,
        keystoneAuthVersion: 'v3',
      };
    }
  }
}

/** The object store that the login names, in the region that is wanted or else the first. */
function endpointOf(identity: PkgcloudIdentity, { authVersion, region }: Credentials): string {
  const serviceType = 'object-store';
  const stores = Object.values(identity.serviceCatalog?.services ?? {}).filter(({ type }) => type === serviceType);
  const regions = stores.flatMap(({ endpoints = [] }) => endpoints.flatMap((endpoint) => endpoint.region ?? []));
  // pkgcloud finds nothing without a region where the catalogue has some, and gives up at the first
  // of several stores that is in another one.
  const wanted = region ?? regions[0];
  const url =
    authVersion === 1
      ? identity.getServiceEndpointUrl({ serviceType })
      : stores
          .map((store) => {
            try {
              return store.getEndpointUrl({ serviceType, ...(wanted !== undefined && { region: wanted }) });
            } catch {
              return undefined;
            }
          })
          .find((found) => found !== undefined);
  if (url === undefined || !URL.canParse(url)) throw new LoginError({ regions: [...new Set(regions)], region });
  return url.replace(/\/+$/, '');
}

function expiryOf(identity: PkgcloudIdentity, headers: Answered['headers'], since: number): number {
  const expires = identity.token?.expires?.getTime();
  if (expires !== undefined && !Number.isNaN(expires)) return expires;
  const seconds = headers['x-auth-token-expires'];
  return seconds !== undefined && /^\d+$/.test(seconds) ? since + Number(seconds) * 1_000 : Number.POSITIVE_INFINITY;
}

function statusOf(error: unknown): number | undefined {
  const { statusCode } = (error ?? {}) as { readonly statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : undefined;
}

function headersOf(error: unknown): Answered['headers'] {
  return ((error ?? {}) as { readonly headers?: Answered['headers'] }).headers ?? {};
}
