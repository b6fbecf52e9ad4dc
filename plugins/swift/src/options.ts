import {
  type BucketListOptions,
  bucketListOptions,
  checkOptions,
  endpointUrl,
  type OptionsOf,
  shownAddress,
  socketOptions,
} from '@tintype/core';

/** How to reach Swift: the same under `TINTYPE_CACHE_SWIFT_` and `TINTYPE_SWIFT_`. */
const ownOptions = {
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

const swiftOptions: typeof ownOptions & typeof socketOptions = { ...ownOptions, ...socketOptions };

/** Settings of the Swift storage. */
export const swiftStorageOptions: typeof swiftOptions = swiftOptions;

/** Settings of the origin for `swift://` sources. */
export const swiftOriginOptions: typeof swiftOptions & BucketListOptions = {
  ...swiftOptions,
  ...bucketListOptions('Containers'),
};

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
  const { username = '', apiKey = '', authUrl = '', tenant, domain, region } = options;
  return checkOptions(prefix, (complain) => {
    if (username === '') complain('USERNAME', 'is required for Swift.');
    if (apiKey === '') complain('API_KEY', 'is required for Swift.');
    const url = endpointUrl(authUrl);
    if (authUrl === '') complain('AUTH_URL', 'is required for Swift.');
    else if (url === undefined) {
      complain('AUTH_URL', `is ${shownAddress(authUrl)}; expected a URL such as https://id.example.com/v3.`);
    }
    const authVersion = options.authVersion === 0 ? versionIn(url ?? '') : (options.authVersion as AuthVersion);
    if (url !== undefined && authVersion === undefined) {
      complain('AUTH_VERSION', `is required, because ${prefix}AUTH_URL does not name a version; expected 1, 2 or 3.`);
    }
    if (authVersion === 2 && !tenant) complain('TENANT', 'is required for logins of version 2.');
    return { username, apiKey, authUrl: url ?? '', authVersion: authVersion ?? 1, tenant, domain, region };
  });
}

/** The version that a URL names: in its path, or else anywhere, as imgproxy looks for it. */
function versionIn(url: string): AuthVersion | undefined {
  const path = URL.canParse(url) ? new URL(url).pathname : '';
  const digit = /\/v([123])(?![0-9])/i.exec(path)?.[1] ?? /v([123])/i.exec(url)?.[1];
  return digit === undefined ? undefined : (Number(digit) as AuthVersion);
}
