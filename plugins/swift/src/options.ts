import { type OptionsOf, SettingsError, shownAddress } from '@tintype/core';

/** How to reach Swift: the same under `TINTYPE_CACHE_SWIFT_` and `TINTYPE_SWIFT_`. */
const swiftOptions = {
  USERNAME: { kind: 'string', imgproxy: true, description: 'User to log in as; with version 1 account:user.' },
  API_KEY: { kind: 'string', imgproxy: true, secret: true, description: 'Password or API key of that user.' },
  AUTH_URL: {
    kind: 'string',
    imgproxy: true,
    description:
      'URL of the identity service, as a vendor names it: https://id.example.com/v3, https://swift.example.com/auth/v1.0.',
  },
  AUTH_VERSION: {
    kind: 'integer',
    default: '0',
    min: 0,
    max: 3,
    imgproxy: true,
    description: 'Version of the login, 1, 2 or 3. 0 takes it from AUTH_URL.',
  },
  TENANT: {
    kind: 'string',
    imgproxy: true,
    description: "Project to log in to, by name. Required with version 2; with version 3 the user's default project.",
  },
  DOMAIN: {
    kind: 'string',
    imgproxy: true,
    description: 'Domain of user and project, by name, with version 3. Without it the one whose id is default.',
  },
  REGION: {
    kind: 'string',
    description: 'Region whose object store is used. Without it the first that the catalogue names.',
  },
  MAX_SOCKETS: {
    kind: 'integer',
    default: '50',
    min: 1,
    description: 'Connections that are open at a time; further requests wait for one.',
  },
  TIMEOUT_SECONDS: {
    kind: 'seconds',
    default: '60',
    min: 0,
    imgproxy: true,
    description: 'Longest silence during a request in seconds. 0 = no limit.',
  },
  CONNECT_TIMEOUT_SECONDS: {
    kind: 'seconds',
    default: '10',
    min: 0,
    imgproxy: true,
    description: 'Longest time for connecting in seconds. 0 = no limit.',
  },
} as const;

const originOnly = {
  ALLOWED_BUCKETS: {
    kind: 'list',
    default: '',
    imgproxy: true,
    description: 'Containers that sources may name. Blank allows all that the user can read.',
  },
  DENIED_BUCKETS: {
    kind: 'list',
    default: '',
    imgproxy: true,
    description: 'Containers that sources may not name, even if they are allowed as well.',
  },
} as const;

/** Settings of the Swift storage. */
export const swiftStorageOptions: typeof swiftOptions = swiftOptions;

/** Settings of the origin for `swift://` sources. */
export const swiftOriginOptions: typeof swiftOptions & typeof originOnly = { ...swiftOptions, ...originOnly };

export type SwiftOptions = OptionsOf<typeof swiftOptions>;
export type SwiftStorageOptions = OptionsOf<typeof swiftStorageOptions>;
export type SwiftOriginOptions = OptionsOf<typeof swiftOriginOptions>;

/** A way to log in: 1 is Swift's own, 2 and 3 are Keystone's. */
export type AuthVersion = 1 | 2 | 3;

/** What a login takes, complete. */
export interface Credentials {
  readonly username: string;
  readonly apiKey: string;
  /** With a scheme. */
  readonly authUrl: string;
  readonly authVersion: AuthVersion;
  readonly tenant: string | undefined;
  readonly domain: string | undefined;
  readonly region: string | undefined;
}

/**
 * What only the options together show.
 *
 * @param prefix of their variables, for messages: `TINTYPE_CACHE_SWIFT_`.
 * @throws SettingsError
 */
export function credentialsOf(options: SwiftOptions, prefix: string): Credentials {
  const problems: { variable: string; message: string }[] = [];
  const problem = (name: string, sentence: string) => {
    problems.push({ variable: prefix + name, message: `${prefix}${name} ${sentence}` });
  };
  const { username = '', apiKey = '', authUrl = '', tenant, domain, region } = options;
  if (username === '') problem('USERNAME', 'is required for Swift.');
  if (apiKey === '') problem('API_KEY', 'is required for Swift.');
  const url = webUrl(authUrl);
  if (authUrl === '') problem('AUTH_URL', 'is required for Swift.');
  else if (url === undefined) {
    problem('AUTH_URL', `is ${shownAddress(authUrl)}; expected a URL such as https://id.example.com/v3.`);
  }
  const authVersion = options.authVersion === 0 ? versionIn(url ?? '') : (options.authVersion as AuthVersion);
  if (url !== undefined && authVersion === undefined) {
    problem('AUTH_VERSION', `is required, because ${prefix}AUTH_URL does not name a version; expected 1, 2 or 3.`);
  }
  if (authVersion === 2 && !tenant) problem('TENANT', 'is required for logins of version 2.');
  if (url === undefined || authVersion === undefined || problems.length > 0) throw new SettingsError(problems);
  return { username, apiKey, authUrl: url, authVersion, tenant, domain, region };
}

/** The URL with a scheme; `undefined` if it is none of a web service. */
function webUrl(text: string): string | undefined {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url)) return undefined;
  const { protocol, username, password } = new URL(url);
  return /^https?:$/.test(protocol) && username === '' && password === '' ? url : undefined;
}

/** The version that a URL names: in its path, or else anywhere, as imgproxy looks for it. */
function versionIn(url: string): AuthVersion | undefined {
  const path = URL.canParse(url) ? new URL(url).pathname : '';
  const digit = /\/v([123])(?![0-9])/i.exec(path)?.[1] ?? /v([123])/i.exec(url)?.[1];
  return digit === undefined ? undefined : (Number(digit) as AuthVersion);
}
